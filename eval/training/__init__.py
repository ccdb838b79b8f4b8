"""What the small models of the service are trained on; research like `eval.bench`, and not in the wheel."""
