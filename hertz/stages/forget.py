"""Being forgotten: a tombstone at once, then every trace of a user erased, store by store.

In: settings and users. Out: a receipt a user: what was removed where, or why not. `forget` does it
now, holding the home; after each published run `purge_removed` does the same for users who were
deleted since, and ends what a killed `forget` left.

The order makes it safe to kill at any point: the tombstone (an event of the intake) comes first and
goes last, so a second run begins anew with whatever is still there; texts are looked up in the
snapshots before these lose them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import polars as pl

from hertz.core.errors import LockedError
from hertz.core.faults import fault_point
from hertz.embedding.texts import all_texts, profile_texts
from hertz.policy.model import Policy
from hertz.policy.profiles import validate_profiles
from hertz.policy.text_frame import text_frame
from hertz.storage.embeddings import EmbeddingStore, text_hash
from hertz.storage.erasure.scan import Scan, scan_home
from hertz.storage.erasure.snapshot import embedding_identities, erase_from_snapshot, rows_naming
from hertz.storage.explanation_cache import ExplanationCache
from hertz.storage.files import read_frame, write_text
from hertz.storage.intake.events import Request
from hertz.storage.intake.queue import INTAKE_FILE, Intake
from hertz.storage.settings import Settings
from hertz.storage.snapshot.history import erase_from_history
from hertz.storage.snapshot.manifest import read_manifest
from hertz.storage.snapshot.snapshots import (
    kept_folders,
    locked_home,
    remove_damaged,
)

Cause = Literal["forget", "delete"]
EXPLANATIONS_SEARCHED = (
    10  # explanations of a user's pairs whose texts are searched for in every byte
)
SOURCE_NOTE = "not Hertz's to change; the mark keeps the user out of every run"


@dataclass
class Receipt:
    """What was done for one user; it tells the user's mark, never the id.

    Attributes:
        user: The mark, in hex.
        cause: What asked for it.
        requested: When (ISO, UTC).
        completed: When all was done.
        stores: (store, how many removed, note) of every store.
        scan: What a search of the home found afterwards; None where none was made.
    """

    user: str
    cause: Cause
    requested: str
    completed: str = ""
    stores: list[dict[str, Any]] = field(default_factory=list)
    scan: dict[str, Any] | None = None

    def add(self, store: str, removed: int, note: str = "") -> None:
        """Tell of one store."""
        self.stores.append({"store": store, "removed": removed, "note": note})

    @property
    def is_incomplete(self) -> bool:
        """Whether the search still found something."""
        return bool(self.scan and self.scan["found"])

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)


def forget(settings: Settings, user_id: int) -> Receipt:
    """Forget a user: hidden at once, then erased everywhere, then searched for.

    Raises:
        LockedError: If a run holds the home; the user is hidden, and that run's end erases.
        StorageError: If a store cannot be read or written; what is left is done by a second call.
    """
    home = settings.home
    with Intake(home) as intake:
        outcome = intake.apply([Request("forget", user_id)], lambda _: True)[0]
    try:
        with locked_home(home, "forget"):
            damaged = remove_damaged(home)
            texts = _own_texts(settings, user_id)
            receipt = _purge(settings, {user_id: outcome.sequence}, "forget", damaged)[0]
            scan = scan_home(home, user_id, texts, _source_of(settings))
            receipt.scan = scan.as_dict()
            fault_point("forget.before_receipt")
            _store(home, receipt)
    except LockedError as error:
        message = f"{error}. The user is hidden already; the end of that run erases the rest"
        raise LockedError(message) from error
    return receipt


def purge_removed(settings: Settings, upto: int) -> list[Receipt]:
    """Erase users whose deletion a published run has folded in, and who asked to be forgotten.

    Args:
        settings: The home, which must be held, and its policy.
        upto: The published snapshot's `intake_sequence`.
    """
    if not (settings.home / INTAKE_FILE).exists():
        return []
    with Intake(settings.home) as intake:
        users = intake.removed(upto)
    receipts = []
    if users:
        receipts = _purge(settings, users, "delete", remove_damaged(settings.home))
    for receipt in receipts:
        _store(settings.home, receipt)
    with Intake(settings.home) as intake:
        intake.supersede(upto)
        if not intake.is_wiped:  # a killed run erased, but did not come to this
            intake.wipe()
    return receipts


def verify(settings: Settings, user_id: int) -> Scan:
    """Search every byte of the home for a user."""
    return scan_home(settings.home, user_id, source=_source_of(settings))


def _source_of(settings: Settings) -> Path | None:
    return Path(settings.source.path) if settings.source.path else None


def _purge(
    settings: Settings, users: Mapping[int, int], cause: Cause, damaged: Mapping[str, str]
) -> list[Receipt]:
    """Erase users' rows_naming up to the events that removed them; `damaged` is gone already."""
    requested = datetime.now(UTC).isoformat(timespec="seconds")
    home = settings.home
    with Intake(home) as intake:
        receipts = {
            user: Receipt(intake.tombstone_of(user).hex(), cause, requested)
            for user in sorted(users)
        }
        fault_point("forget.before_vectors")
        _purge_vectors(settings, intake, users, receipts)
        fault_point("forget.before_cache")
        _purge_cache(home, users, receipts)
        for snapshot in kept_folders(home):
            fault_point("forget.before_snapshot")
            _purge_snapshot(snapshot, users, receipts)
        fault_point("forget.before_intake")
        for user, sequence in users.items():
            receipts[user].add("intake", intake.erase(user, sequence))
        for user, runs in erase_from_history(home, users).items():
            receipts[user].add("history", runs)
        fault_point("forget.before_wipe")
        intake.wipe()
    for receipt in receipts.values():
        for name, why in damaged.items():
            receipt.add(
                f"snapshots/{name}", 1, f"removed whole: nobody can be erased from it, {why}"
            )
        receipt.add("mark of the id (HMAC)", 0, "kept, so that no source brings the user back")
        receipt.add("source", 0, SOURCE_NOTE)
        receipt.completed = datetime.now(UTC).isoformat(timespec="seconds")
    return list(receipts.values())


# ---- vectors -------------------------------------------------------------------------------------


def _purge_vectors(
    settings: Settings,
    intake: Intake,
    users: Mapping[int, int],
    receipts: Mapping[int, Receipt],
) -> None:
    """Vectors of texts that nobody else in any kept snapshot has."""
    home, identities = settings.home, embedding_identities(settings.home)
    own = {user: _embedded_texts(settings, intake, user, users[user]) for user in users}
    wanted = set().union(*own.values())
    unshared = wanted - _texts_of_others(home, users, wanted)
    for identity in identities:
        store = EmbeddingStore(home, identity)
        hashes = {text_hash(identity, text): text for text in unshared}
        held = {hashes[key] for key in hashes.keys() - set(store.missing(list(hashes)))}
        store.discard([key for key, text in hashes.items() if text in held])
        for user, texts in own.items():
            shared = len(texts - unshared)
            note = f"{shared} texts that others have too stay" if shared else ""
            receipts[user].add(f"embeddings/{store.folder.name}", len(texts & held), note)


def _embedded_texts(settings: Settings, intake: Intake, user: int, upto: int) -> set[str]:
    """Every text of a user that may have a vector, but the policy's own labels."""
    found: set[str] = set()
    for policy, profiles in _profiles_of(settings, intake, user, upto):
        found |= set(all_texts(policy, profiles)) - _labels(policy)
    return found


def _profiles_of(
    settings: Settings, intake: Intake, user: int, upto: int
) -> Iterable[tuple[Policy, pl.DataFrame]]:
    """A user's profiles from before an event, in the snapshots and the intake, and their policy."""
    for kept in _kept_users(settings.home):
        if upto > kept.folded:
            yield kept.policy, kept.profiles.filter(pl.col("user_id") == user)
    policy = settings.policy
    names = [policy.id_field, *policy.columns.values()]
    for payload in intake.payloads_of(user, upto):
        row = dict.fromkeys(names) | payload
        yield policy, validate_profiles(policy, text_frame([row])).profiles


class _KeptUsers(NamedTuple):
    """The users of a kept snapshot, and the number of the last event it folded."""

    snapshot: Path
    folded: int
    policy: Policy
    profiles: pl.DataFrame


def _kept_users(home: Path) -> Iterable[_KeptUsers]:
    for snapshot in kept_folders(home):
        manifest = read_manifest(snapshot)
        if (snapshot / "users.parquet").exists():
            profiles = read_frame(snapshot / "users.parquet")
            yield _KeptUsers(snapshot, manifest.intake_sequence, manifest.policy, profiles)


def _texts_of_others(home: Path, users: Mapping[int, int], wanted: set[str]) -> set[str]:
    """Those of the texts that others have in any kept snapshot: Chroma is made again from them."""
    shared: set[str] = set()
    for kept in _kept_users(home):
        gone = [user for user, removed in users.items() if removed > kept.folded]
        others = kept.profiles.filter(~pl.col("user_id").is_in(gone))
        shared |= wanted & set(all_texts(kept.policy, others))
    return shared


def _labels(policy: Policy) -> set[str]:
    """The texts of closed vocabularies, which tell nothing of anybody."""
    language = policy.embed.language
    return {
        policy.label(field, code, language)
        for field in policy.embed.fields
        for code in policy.shown_codes(field)
    }


# ---- explanations and snapshots ------------------------------------------------------------------


def _purge_cache(home: Path, users: Mapping[int, int], receipts: Mapping[int, Receipt]) -> None:
    """What the model wrote is kept by content alone: all that no other kept pair uses goes."""
    used: set[str] = set()
    own: dict[int, set[str]] = {user: set() for user in users}
    for snapshot in kept_folders(home):
        path = snapshot / "explanations.parquet"
        if not path.exists():
            continue
        written = read_frame(path).filter(pl.col("origin") == "model")
        folded = read_manifest(snapshot).intake_sequence
        for user in (user for user, removed in users.items() if removed > folded):
            own[user] |= set(written.filter(_in_pair(user))["content_hash"])
            written = written.filter(~_in_pair(user))
        used |= set(written["content_hash"])
    gone = set(ExplanationCache(home).prune(used))
    nameless = len(gone - set().union(*own.values()))
    note = f"and {nameless} texts of pairs no kept snapshot tells of" if nameless else ""
    for user in users:
        receipts[user].add("explanation_cache", len(own[user] & gone), note)


def _in_pair(user: int) -> pl.Expr:
    return (pl.col("user_a") == user) | (pl.col("user_b") == user)


def _purge_snapshot(
    snapshot: Path, users: Mapping[int, int], receipts: Mapping[int, Receipt]
) -> None:
    """Erase those whom a snapshot knows from before they were removed."""
    folded = read_manifest(snapshot).intake_sequence
    found = rows_naming(snapshot, [user for user, removed in users.items() if removed > folded])
    notes = erase_from_snapshot(snapshot, found) if found else []
    for user, parts in found.items():
        for name, rows in parts.items():
            receipts[user].add(f"snapshots/{snapshot.name}/{name}", rows)
        for name in ("serving", "chroma"):
            if (snapshot / name).exists():
                receipts[user].add(f"snapshots/{snapshot.name}/{name}", 1, "made again without")
        for note in notes:
            receipts[user].add(f"snapshots/{snapshot.name}", 0, note)
    for user in users.keys() - found.keys():
        receipts[user].add(f"snapshots/{snapshot.name}", 0, "not in it")


# ---- the search and the receipt ------------------------------------------------------------------


def _own_texts(settings: Settings, user_id: int) -> list[str]:
    """Texts that only this user has: written, embedded, and some of those told of the user."""
    own, told, others = set[str](), set[str](), set[str]()
    with Intake(settings.home) as intake:
        upto = intake.last_sequence()
        for policy, profiles in _profiles_of(settings, intake, user_id, upto):
            own |= _texts_in(policy, profiles)
    for kept in _kept_users(settings.home):
        others |= _texts_in(kept.policy, kept.profiles.filter(pl.col("user_id") != user_id))
        path = kept.snapshot / "explanations.parquet"
        explained = read_frame(path).select("user_a", "user_b", "content")
        told |= set(explained.filter(_in_pair(user_id))["content"])
        others |= set(explained.filter(~_in_pair(user_id))["content"])
    some = sorted(told - others)
    return (
        sorted(own - others)
        + some[:: max(1, len(some) // EXPLANATIONS_SEARCHED)][:EXPLANATIONS_SEARCHED]
    )


def _texts_in(policy: Policy, profiles: pl.DataFrame) -> set[str]:
    """What people wrote, and what the embedding model reads of them."""
    texts = [name for name, rule in policy.fields.items() if rule.kind == "text"]
    written = {text for name in texts for text in profiles[name].drop_nulls()}
    return written | set(profile_texts(policy, profiles)) - {""}


def _store(home: Path, receipt: Receipt) -> None:
    folder = home / "receipts"
    folder.mkdir(exist_ok=True)
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(2).hex()}"
    write_text(folder / f"{stamp}.json", receipt.to_json())
