"""Being forgotten, as a flow: hidden at once, erased as soon as the home is free."""

from __future__ import annotations

from prefect import State, flow
from prefect.artifacts import create_table_artifact
from prefect.states import Completed, Failed

from hertz.core.errors import HertzError, LockedError
from hertz.flows.support.parameters import ForgetOptions
from hertz.flows.support.run_stages import log_stages, without_error_values
from hertz.flows.support.wait_for_home import wait_until_free
from hertz.stages.forget import Receipt, verify
from hertz.stages.forget import forget as forget_user
from hertz.storage.settings import Settings


@flow(name="forget", persist_result=False)
def forget(options: ForgetOptions) -> State:
    """Hide a user at once, erase every trace, search every byte, and leave a receipt.

    Args:
        options: Whom to forget, and where.
    """
    log_stages()
    try:
        with without_error_values():
            settings = options.settings()
            if options.verify:
                return _searched(settings, options.user_id)
            return _receipted(_forgotten(settings, options.user_id), settings)
    except HertzError as error:
        return Failed(message=str(error))


def _forgotten(settings: Settings, user_id: int) -> Receipt:
    """The first call hides the user, whoever holds the home; the second erases."""
    try:
        return forget_user(settings, user_id)
    except LockedError:
        wait_until_free(settings.home)
        return forget_user(settings, user_id)


def _receipted(receipt: Receipt, settings: Settings) -> State:
    create_table_artifact(receipt.stores, "hertz-receipt", f"Receipt for the mark {receipt.user}")
    removed = sum(store["removed"] for store in receipt.stores)
    if receipt.is_incomplete:
        return Failed(message="erased, but the search still finds something: see the receipt")
    return Completed(message=f"{removed} traces erased, none found; home {settings.home}")


def _searched(settings: Settings, user_id: int) -> State:
    found = len(verify(settings, user_id).findings)
    if found:
        return Failed(message=f"found in {found} places of {settings.home}")
    return Completed(message=f"nothing found in {settings.home}")
