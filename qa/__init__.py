"""Answer questions over news articles and prove every sentence with a cited span."""
