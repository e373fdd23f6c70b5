"""The English phrases of the template voice: a cheerful reporter about two anonymous people.

Here titles, teaser and closing; `voices_en_pairing` and `voices_en_ground` have the rest.
Slots named `slot.voice` differ by category voice. No phrase may use a word that is a label
of some profile field, since it would read as a claim about the two.
"""

from __future__ import annotations

from hertz.explanations.voices import emoji
from hertz.explanations.voices import english_ground as voices_en_ground
from hertz.explanations.voices import english_pairing as voices_en_pairing

_TEASE = (
    "Names stay secret, but every clue is on the table, so take a seat and judge for yourself.",
    "We checked everything twice, and only what the profiles say made it on air.",
    "Let us picture the first hello, one clue after the other, and see where it could lead.",
    "Here is what we can confirm so far, told without any guesswork.",
    "No guesswork and no rumors, just what the two wrote themselves, told as it stands.",
    "Read on for the details, because the first clue comes right after this line.",
)

_DESK: dict[str, tuple[str, ...]] = {
    # ---- titles: {field} is a field that has something shared, {item} one of its values ----
    "title.couple": (
        "Exclusive: two people, one match in {field}, and romance in the air?",
        "Spotted! It all starts with {item} for these two",
        "Love desk special: what one line on {field} says about two strangers",
        "Breaking: {field} could bring two strangers to the same page",
        "Rumor has it that {item} could spark something",
        "The love story tip of the night begins with {field}",
        "Two strangers, one clue: {item}",
    ),
    "title.friend": (
        "Breaking: a friendship forecast built on {field}",
        "Friendship desk: {field} could put two strangers on the same page",
        "Best-friend alert! The clue is {item}",
        "Two strangers, one clue: {item}",
        "Live report: {field} could start a friendship",
        "Tonight's friendship scoop begins with {item}",
        "Found: two people who match in {field}",
    ),
    "title.neutral": (
        "Breaking: {field} could bring two strangers to the same page",
        "Match desk: the clue tonight is {item}",
        "Two strangers, one clue: {item}",
        "Live report: it starts with {field}",
        "Tonight's scoop begins with {item}",
        "Found: two people who match in {field}",
    ),
    "plain.couple": (
        "Exclusive: two different people, one first meeting ahead",
        "Love desk special: a story that is still unwritten",
        "Opposite corners, same headline: will they meet?",
    ),
    "plain.friend": (
        "Breaking: two different worlds, one possible friendship",
        "Friendship desk: a story that is still unwritten",
        "Opposite corners, same headline: two friends in the making?",
    ),
    "plain.neutral": (
        "Breaking: two different worlds, one possible meeting",
        "Match desk: a story that is still unwritten",
        "Opposite corners, same headline: will they meet?",
    ),
    # ---- 1 teaser ----
    "open.couple": (
        "Good evening from the love desk, where tonight's tip is so hard to ignore that we "
        "cleared the whole program for it!",
        "We interrupt this broadcast, because two profiles have landed side by side and the "
        "newsroom will not stop whispering.",
        "Lights, camera, gossip: tonight's headline belongs to two people whose names we are not "
        "allowed to say.",
        "Hush, not even the two of them have heard this one yet, so lean in while we read it to "
        "you first.",
        "Turn up the volume, because the rumor mill has been busy all day and we brought you "
        "everything we could confirm!",
        "Our reporters followed a trail of small clues, and it leads straight to two strangers "
        "who may not be strangers for long.",
        "This just in: a pair of profiles has the whole newsroom talking, and it is easy to see "
        "why.",
        "Hold the front page, because two strangers may be about to cross paths and we would hate "
        "to miss it.",
    ),
    "tease.couple": (
        "Could this be the start of a romance, or will it stay a rumor until one of them says "
        "hello?",
        "Names stay secret, but every clue is on the table, so take a seat and judge for yourself.",
        "We checked everything twice, and only what the profiles say made it on air.",
        "Read on before you place your bets, because the first clue comes right after this line.",
        "No made-up rumors here, just what the two wrote themselves, told as it stands.",
        "Let us picture the first time they sit down together, one clue after the other.",
        "Here is what we can confirm so far, and what a hopeful heart could make of it.",
    ),
    "open.friend": (
        "Good evening from the friendship desk, with a cheerful tip for everyone who believes in "
        "good company!",
        "This just in: two profiles have landed side by side, and the friendship desk is already "
        "clearing a front page.",
        "Breaking news for anyone who has room for one more friend: tonight we bring you a very "
        "promising pair!",
        "Live from the newsroom, where two strangers could become friends before the next "
        "bulletin is over.",
        "Tonight's first story has two people in it, and neither of them knows about it yet.",
        "Our reporters laid two profiles next to each other, sharpened their pencils and took a "
        "lot of notes.",
        "Hold the front page, because a new friendship may be on its way and we would hate to "
        "miss the first hello.",
        "Microphone on, notebook open: meet two people without names who might get along rather "
        "well.",
    ),
    "tease.friend": (
        "Could these two become partners in good conversation, the kind that makes an hour "
        "disappear?",
        *_TEASE,
    ),
    "open.neutral": (
        "Good evening from the match desk, with a fresh tip that came in just before we went on "
        "air!",
        "This just in: two profiles have landed side by side, and the match desk is already "
        "taking notes.",
        "Live from the newsroom, where tonight's story has two people in it and a blank page for "
        "the rest.",
        "Our reporters laid two profiles next to each other, sharpened their pencils and took a "
        "lot of notes.",
        "Hold the front page, because two strangers may be about to meet and we would hate to "
        "miss it.",
        "Microphone on, notebook open: meet two people without names and the clues that bring "
        "them here.",
        "Tonight's first story begins with two sheets of paper, side by side on our desk.",
    ),
    "tease.neutral": (
        "Where could this lead, and what would the two of them have to say to each other?",
        *_TEASE,
    ),
    # ---- 1 {count} equal entries, if two or more; otherwise what was compared ----
    "count": (
        "Held up to the light, one on top of the other, the profiles line up in {count} entries.",
        "Line by line, our reporters compared the two profiles and counted {count} entries that "
        "are exactly the same.",
        "The tally so far stands at {count} equal entries, and we picked the most telling ones "
        "for you.",
        "Side by side, as if they had rehearsed it, the two profiles agree on {count} entries.",
        "Our fact check came back with {count} matching entries, which is more than enough for a "
        "report.",
        "With names and faces covered, we looked at the answers alone and found {count} of them "
        "to be equal.",
    ),
    "compared": (
        "With names and faces covered, our reporters compared the two profiles line by line, from "
        "the first to the last.",
        "We left out the guesses and compared only what is written, one line next to the other.",
        "Instead of jumping to conclusions, we went through the answers one by one and noted what "
        "we saw.",
    ),
    # ---- 5 closing ----
    "close.couple": (
        "The next episode of this story is in their hands, and our cameras will keep rolling "
        "until it airs.",
        "That is the gossip for tonight, and nobody in this newsroom is willing to go home yet.",
        "Our cameras stay pointed at the door, just in case a first meeting makes the late "
        "edition.",
        "Only two people can write the ending of this story, and we would gladly read it out loud.",
        "We will report back as soon as the first hello is on record, fast and very discreetly.",
        "The love desk wishes them an unhurried first chapter and a good reason for a second one.",
    ),
    "close.friend": (
        "The next episode of this story is in their hands, and we will be in the front row when "
        "it airs.",
        "That is the friendship report for tonight, told with a smile and nothing but the facts.",
        "The friendship desk is cheering for the first meeting, quietly at first and then as loud "
        "as it can.",
        "We will report back as soon as the first hello is on record, so leave the radio on.",
        "Only two people can write what comes next, and they may take all the time they need.",
    ),
    "close.neutral": (
        "Only two people can write what comes next, and they may take all the time they need.",
        "The next episode of this story is in their hands, and we will be in the front row when "
        "it airs.",
        "That is the match report for tonight, told with a smile and nothing but the facts.",
        "The match desk is cheering for the first meeting, quietly at first and then as loud as "
        "it can.",
        "We will report back as soon as the first hello is on record, so leave the radio on.",
    ),
    "recap": (
        "Should this bulletin serve as an excuse to say hello, our work here is done.",
        "A few lines are all we have to offer, yet long stories tend to begin with short ones.",
        "Every clue you just heard is written in the two profiles, and not one line was added to "
        "them.",
        "Should new facts come in, at whatever hour, you will hear them here before anyone else "
        "does.",
        "What would your opening line be if you were one of the two, and would you dare to go "
        "first?",
        "The next page of our notebook is still blank, and the first line on it is reserved for "
        "them.",
        "We collected the clues, but what to make of them is a decision that only the two can "
        "take.",
        "For everything a profile does not say, there is one reliable source: asking, and then "
        "listening.",
    ),
    "end": (
        "The story goes on after the break, so Stay Tuned!",
        "Keep your ears open, and Stay Tuned!",
        "Thank you for listening, and Stay Tuned!",
        "Until the next bulletin, Stay Tuned!",
        "More good news is on its way, so Stay Tuned!",
        "Do not touch that dial, and Stay Tuned!",
        "That was live from the newsroom, so Stay Tuned!",
    ),
}

PHRASES = emoji.PHRASES | _DESK | voices_en_pairing.PHRASES | voices_en_ground.PHRASES
