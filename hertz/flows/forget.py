"""The flow that removes a user: hidden at once, erased as soon as no run holds the home."""

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
    """Hides a user at once, erases every trace, searches every byte and leaves a receipt.

    Args:
        options: Home, the user's id, and whether only to search.
    """
    log_stages()
    try:
        with without_error_values():
            settings = options.settings()
            if options.verify:
                return _search(settings, options.user_id)
            return _show_receipt(_erase(settings, options.user_id), settings)
    except HertzError as error:
        return Failed(message=str(error))


def _erase(settings: Settings, user_id: int) -> Receipt:
    """Hides the user at once, even while a run holds the home, and erases when it is free."""
    try:
        return forget_user(settings, user_id)
    except LockedError:
        wait_until_free(settings.home)
        return forget_user(settings, user_id)


def _show_receipt(receipt: Receipt, settings: Settings) -> State:
    """Leaves the receipt as an artifact; fails the run if a trace is left."""
    create_table_artifact(
        receipt.stores, "hertz-receipt", f"Receipt for the tombstone {receipt.user}"
    )
    removed = sum(store["removed"] for store in receipt.stores)
    if receipt.is_incomplete:
        return Failed(message="erased, but the search still finds traces: see the receipt")
    return Completed(message=f"{removed} traces erased, none found; home {settings.home}")


def _search(settings: Settings, user_id: int) -> State:
    """Searches every byte of the home; fails the run if the user is found."""
    found = len(verify(settings, user_id).findings)
    if found:
        return Failed(message=f"found in {found} places of {settings.home}")
    return Completed(message=f"nothing found in {settings.home}")
