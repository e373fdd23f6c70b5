"""The English phrases of the second paragraph: how the two go together (see `voices_en`).

`letters.EI` and its like tell, with all due caution, what letters of a type can look like.
"""

from __future__ import annotations

PHRASES: dict[str, tuple[str, ...]] = {
    # ---- {field} of a table; {a}, {b}: the two codes; {items}: the code of both; {verdict} ----
    "pair.two": (
        "First, the {field} report: {a} meets {b}, and {verdict}",
        "Our first clue is {field}, a case of {a} and {b}, and {verdict}",
        "Let us begin with {field}: {a} sits down beside {b}, and {verdict}",
        "The first thing we checked was {field}, {a} and {b}, and {verdict}",
        "On {field}, the line-up reads {a} and {b}, and {verdict}",
    ),
    "pair.same": (
        "First, the {field} report: both of them say {items}, and {verdict}",
        "Our first clue is {field}, and it is {items} twice over, and {verdict}",
        "On {field}, the line-up reads {items} and {items}, and {verdict}",
        "The first thing we checked was {field}: the same answer twice, {items}, and {verdict}",
    ),
    # ---- the verdict: where the pairing stands in its table ----
    "high": (
        "the pairing chart puts it high, so the rhythm may come by itself.",
        "the pairing chart likes what it sees, so explanations may stay short.",
        "the pairing chart is all smiles, so talk could find its feet fast.",
        "the score is a generous one, so the first minutes could feel familiar.",
    ),
    "middle": (
        "the pairing chart says half and half, so some parts may need patience.",
        "the score is a middling one, so likeness and contrast could take turns.",
        "the pairing chart stays balanced, so the second meeting may matter most.",
        "the pairing chart calls it a fair start and leaves the rest to talk.",
    ),
    "low": (
        "the pairing chart is cautious, so getting acquainted may take time.",
        "the score is a low one, which leaves plenty of new views to discover.",
        "the chart says this is not the easy option, so asking beats guessing.",
        "the pairing chart only shrugs, but a chart does not know everything.",
    ),
    # ---- codes of four letters: {same} and {other} letters, {scene} for one of the places ----
    "letters.some": (
        "Letter by letter, they agree on {same} and differ on {other}, and {scene}",
        "They have {same} in common, while {other} is still up for debate, and {scene}",
        "The letters line up at {same} and part ways at {other}, so {scene}",
    ),
    "letters.all": (
        "All four letters are the same, and {scene}",
        "Not one letter differs between them, so {scene}",
    ),
    "letters.none": (
        "All four letters differ, which keeps things interesting, and {scene}",
        "Not one letter is the same on paper, so {scene}",
    ),
    "letters.two": ("{a} or {b}",),
    "letters.EI": (
        "with E next to I, a lively round one week and a table for two the next could suit "
        "everyone.",
        "with E and I at one table, it may help to ask early how many people make a nice evening.",
        "leaving the I side some air and the E side some room to talk may keep things comfortable.",
    ),
    "letters.E": (
        "with E on either side, talk may pick up speed fast, so taking turns could be the trick.",
        "with E twice, the evening may run long, so agreeing on an end could be wise.",
    ),
    "letters.I": (
        "with the letter I on either side, a low-key table where nobody has to raise a voice may "
        "work best.",
        "with the letter I twice, a walk side by side may be easier than an interview across a "
        "table.",
    ),
    "letters.NS": (
        "with S next to N, one may start from what happened today and the other from what could "
        "be.",
        "on a trip, the S side may look up the route while the N side pictures the mood of the "
        "place.",
    ),
    "letters.S": (
        "with S on either side, a story from this very week may land better than a big theory.",
        "with S twice, a plan with a time, a place and directions may feel just right.",
    ),
    "letters.N": (
        "with N on either side, a single what-if could keep a conversation going past midnight.",
        "with N twice, an odd question may travel much further than anyone expected.",
    ),
    "letters.FT": (
        "with T next to F, asking whether advice or comfort is wanted may spare a detour.",
        "when there is trouble, the T side may look for a fix first and the F side for the "
        "feeling.",
    ),
    "letters.T": (
        "with T on either side, plain reasons may go down better than careful hints.",
        "with T twice, a disagreement could turn into a debate that is rather fun.",
    ),
    "letters.F": (
        "with F on either side, a small compliment may warm up the room at once.",
        "with F twice, it may help to speak up early when something stings.",
    ),
    "letters.JP": (
        "with J next to P, fixing the hour and leaving the rest open may please the two of them.",
        "a schedule from the J side and a sudden idea from the P side could make a fine afternoon.",
    ),
    "letters.J": (
        "with J on either side, the plan may be ready so early that looking ahead is half the fun.",
        "with J twice, a short note whenever a plan changes may be worth gold.",
    ),
    "letters.P": (
        "with P on either side, setting out without a plan could lead to the best finds.",
        "with P twice, it may be wise to let one of them do the booking.",
    ),
    # ---- a comparison for each rating ----
    "high.like": (
        "Think of a map and a compass: each is useful alone, yet the way shows better when they "
        "lie side by side.",
        "It is like two cogs that meet, where the smallest turn of one sets the next in motion.",
        "Picture a key that slides into the lock on the first try, and a door that opens without "
        "a sound.",
        "It works like a left and a right earphone that play the same beat into different ears.",
        "Pencil and eraser come to mind, with different jobs and yet always found in the same "
        "case.",
        "It is the feeling of ringing a bell and hearing the door open before the sound is gone.",
    ),
    "middle.like": (
        "Think of a bus and its stop: all it takes is good timing, and then the meeting is a "
        "happy one.",
        "It is like the two hands of a clock, which keep different speeds and still meet on "
        "schedule.",
        "Picture a half-finished puzzle on a table, where finding the last pieces is the fun of "
        "it.",
        "It works like sharing an umbrella: match the pace a little and the walk gets easy.",
        "Two singers in different keys come to mind, who find each other again in every chorus.",
    ),
    "low.like": (
        "Day and night differ too, and it still takes the two of them to make a whole day.",
        "Picture two people on different hills who look down at the same town and see other roofs.",
        "A left and a right hand point opposite ways, and yet it takes the pair to clap.",
        "It is like learning the first words of a new tongue, where each one that lands feels "
        "like a win.",
        "Salt and sugar differ as well, and a good recipe still finds room for each of them.",
    ),
    "oneway": (
        "One more detail: the chart rates one side higher than the other, so somebody may warm up "
        "first.",
        "Curiously, the score changes with the side you look from, so it may matter who says "
        "hello first.",
        "Note that the two directions do not score the same, so first impressions may differ a "
        "little as well.",
    ),
    # ---- without a table: an equal or neighboring answer ----
    "lead.same": (
        "The first thing we noticed is {field}, where both of them answered {items} as if they "
        "had agreed on it.",
        "Our first clue is {field}, with the same answer twice, {items}, and not a comma of "
        "difference.",
        "Let us begin with {field}, where the two of them agree on {items} without ever having "
        "talked.",
        "On {field}, both profiles say {items}, which is a tidy way to open a report.",
    ),
    "lead.near": (
        "The first thing we noticed is {field}: {a} and {b}, right next to each other on the list.",
        "Our first clue is {field}, where {a} and {b} are a single step apart.",
        "On {field}, the answers are neighbors, {a} and {b}, with hardly any space between them.",
    ),
    "lead.like": (
        "It is like waiting at the same station for the same train, when a nod comes all by "
        "itself.",
        "When the starting lines are this close, the first step does not take much courage.",
        "Picture two people who set out with the same map and meet at the first crossing.",
        "It is like opening the door and finding out that a familiar face lives across the hall.",
        "Think of a radio that is already tuned to the right station, with no noise to get "
        "through.",
    ),
    "lead.none": (
        "On the questions with a single answer we found no match this time, which only makes us "
        "more curious.",
        "Where a profile takes one answer only, theirs are blank or differ, so our reporters are "
        "keeping an open mind.",
        "We looked for an equal answer to the one-choice questions, and we have to report that "
        "there is none.",
    ),
    "lead.none.like": (
        "Think of a blank page on a desk: what goes on it is entirely up to them.",
        "It is a quiz without an answer key, and working it out together may be half the fun.",
        "Like a book that nobody has opened, it has to be read from page one.",
    ),
    "lead.tail": (
        "That is the first clue, and asking and listening will have to supply the rest.",
        "One line does not make a story, so let us go on to the next clue.",
        "Of course a single box never tells all of it, and the details are theirs to share.",
    ),
}
