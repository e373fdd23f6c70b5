"""What a person may set when starting a run: the forms of the Prefect UI.

In: the values of a form or of an API call. Out: `Settings`, loaded as the command line loads them.
Unknown names and values of a wrong type are refused by the server before a run starts.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from storage.settings import Settings, load_settings


class HomeOptions(BaseModel):
    """For runs that work on what is published."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: str = Field(
        "hertz.toml",
        min_length=1,
        title="Policy file",
        description="Policy and settings file; a relative path starts at the project's folder.",
    )
    home: str = Field(
        "", title="Home", description="Home directory. Empty: HERTZ_HOME, or the policy file's."
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


def _path(value: str) -> Path | None:
    return Path(value) if value else None
