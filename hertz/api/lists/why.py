"""The record of why two users were matched, in words and numbers, for the user to have.

In: a view, the user who asks and the other. Out: what the match was worth on either side and what
that is made of, by which policy, models and run. Of the other person it tells no more than the
terms' contributions and the explanation do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Response

from hertz.api.errors import NOT_FOUND_MATCH, ApiError
from hertz.api.lists.reads import View, answer, check_known
from hertz.api.snapshot.follower import Served
from hertz.core.interface_texts.catalogue import LANGUAGES, text
from hertz.policy.model import Policy
from hertz.storage.snapshot.serving import Match


def why(
    view: View, user_id: int, other_id: int, category: str | None, language: str | None
) -> Response:
    """The record of a match, whichever of the two lists it is on.

    Raises:
        ApiError: 404 where either is not known, or the two are not matched or may not meet.
    """
    reader = view.served.reader
    language = reader.languages[0] if language is None else language
    check_known("query", "language", language, reader.languages)
    if category is not None:
        check_known("query", "category", category, reader.categories)
    pending = [
        view.is_pending("path", user_id),
        view.is_pending("path", other_id, "otherId"),
    ]
    if any(pending) or view.hides(user_id, other_id):
        raise ApiError(404, NOT_FOUND_MATCH)
    for name in (category,) if category else reader.categories:
        ours, theirs = reader.match(name, user_id, other_id), reader.match(name, other_id, user_id)
        match = ours or (theirs and _turned(theirs, user_id))
        if match:
            ranks = {"onUsersList": ours and ours.rank, "onOthersList": theirs and theirs.rank}
            record = _record(view.served, name, match)
            record |= {"userId": user_id, "otherUserId": other_id, "rank": ranks}
            told = reader.explanation(name, user_id, other_id, language)
            return answer(view.served, record | {"explanation": told})
    raise ApiError(404, NOT_FOUND_MATCH)


def _turned(match: Match, other_id: int) -> Match:
    """The same match seen from the other side."""
    return match._replace(
        other_id=other_id,
        forward=match.backward,
        backward=match.forward,
        forward_terms=match.backward_terms,
        backward_terms=match.forward_terms,
    )


def _record(served: Served, category: str, match: Match) -> dict[str, Any]:
    manifest, policy = served.manifest, served.manifest.policy
    return {
        "runId": manifest.run_id,
        "createdAt": manifest.created_at.isoformat(),
        "category": {"name": category, "label": policy.categories[category].label},
        "policy": {"name": manifest.policy_name, "hash": manifest.policy_hash},
        "embeddingModel": public(manifest.embedding_model),
        "languageModel": public(manifest.language_model or "") or None,
        "score": {
            "mutual": match.mutual,
            "forward": match.forward,
            "backward": match.backward,
            "combine": policy.combine,
            "combined": {
                language: text(f"common_combined_{policy.combine}", language)
                for language in LANGUAGES
            },
        },
        "terms": [_term(policy, category, match, name) for name in match.forward_terms],
    }


def _term(policy: Policy, category: str, match: Match, name: str) -> dict[str, Any]:
    term = policy.terms[name]
    return {
        "term": name,
        "label": term.label,
        "fields": [{"name": f, "label": policy.fields[f].label} for f in term.fields],
        "weight": policy.categories[category].weights[name],
        "forward": match.forward_terms[name],
        "backward": match.backward_terms[name],
    }


def public(model: str) -> str:
    """A model's name for people; of one that lies in a folder, the folder's own name."""
    return Path(model).name if model.startswith(("/", "~", ".")) else model
