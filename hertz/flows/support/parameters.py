"""What a person may set when starting a run: the forms of the Prefect UI.

In: the values of a form or of an API call. Out: `Settings`, loaded as the command line loads them.
Unknown names and values of a wrong type or out of bounds are refused by the server before a run
starts.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from hertz.storage.settings import Settings, load_settings


class Voice(StrEnum):
    """Who writes explanations."""

    MODEL = "model"
    TEMPLATE = "template"


class HomeOptions(BaseModel):
    """For runs that work on what is published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: str = Field(
        "hertz.toml",
        min_length=1,
        max_length=4096,
        title="Policy file",
        description="Policy and settings file; a relative path starts at the project's folder.",
    )
    home: str = Field(
        "",
        max_length=4096,
        title="Home",
        description="Home directory. Empty: HERTZ_HOME, or the policy file's.",
    )

    def settings(self) -> Settings:
        """The settings that these options name.

        Raises:
            PolicyError: If the policy file is missing or wrong.
        """
        return load_settings(Path(self.policy), _path(self.home))


class ProfileOptions(HomeOptions):
    """For runs that read the profiles anew."""

    source: str = Field(
        "",
        max_length=4096,
        title="Profiles",
        description=(
            "Profiles: a .parquet, .csv or .jsonl file, or a folder of Parquet files. "
            "Empty: the policy file's source."
        ),
    )

    def settings(self) -> Settings:
        """The settings that these options name.

        Raises:
            PolicyError: If the policy file is missing or wrong.
        """
        return load_settings(Path(self.policy), _path(self.home), self.source or None)


class NightOptions(ProfileOptions):
    """For a whole night."""

    explanations: Voice = Field(
        Voice.MODEL,
        title="Who explains",
        description=(
            "model: the language model writes its share. template: no model is started; kept "
            "explanations stay, the others come from the template voice."
        ),
    )
    full: bool = Field(
        False,
        title="Match everyone anew",
        description="Even where few users changed; the lists are the same.",
    )


class RecomputeOptions(ProfileOptions):
    """For runs that match."""

    full: bool = Field(
        False,
        title="Match everyone anew",
        description=(
            "Even where few users changed and bringing the published lists up to date would do; "
            "the lists are the same."
        ),
    )
    then_explain: bool = Field(
        True,
        title="Then explain",
        description=(
            "Start generate-explanations on the same home when this run has published, where the "
            "policy file names a language model."
        ),
    )

    @property
    def explained_next(self) -> bool:
        """Whether a model is to explain what this run publishes.

        Raises:
            PolicyError: If the policy file is missing or wrong.
        """
        return self.then_explain and bool(self.settings().explanations.model)


class ExplainOptions(HomeOptions):
    """For runs that explain what is published."""

    budget: int | None = Field(
        None,
        ge=0,
        le=10_000_000,
        title="Pairs for the model",
        description="The most valuable pairs, which the model writes. Empty: the policy file's.",
    )

    def settings(self) -> Settings:
        """The settings that these options name.

        Raises:
            PolicyError: If the policy file is missing or wrong.
        """
        settings = super().settings()
        if self.budget is None:
            return settings
        chosen = settings.explanations.model_copy(update={"budget": self.budget})
        return settings.model_copy(update={"explanations": chosen})


class ForgetOptions(HomeOptions):
    """For forgetting one user."""

    user_id: int = Field(
        ge=1, le=2**63 - 1, title="User id", description="Whom to forget: the id alone, no name."
    )
    verify: bool = Field(
        False,
        title="Only search",
        description="Erase nothing: search every byte of the home, and fail if the user is found.",
    )


class RollbackOptions(HomeOptions):
    """For going back to an older snapshot."""

    run_id: str = Field(
        "",
        pattern=r"^([0-9]{8}T[0-9]{6}Z-[0-9a-f]{4})?$",
        title="Run id",
        description="The snapshot to publish again. Empty: the one before the published one.",
    )


class CleanupOptions(HomeOptions):
    """For removing what is no longer needed."""

    keep: int | None = Field(
        None,
        ge=1,
        le=1000,
        title="Snapshots to keep",
        description="The newest ones, and the published one. Empty: the policy file's number.",
    )
    held: bool = Field(
        False,
        title="Held ones too",
        description="Also remove what the gate held back, which waits for a look.",
    )


def _path(value: str) -> Path | None:
    return Path(value) if value else None
