"""The English phrases of what the two have in common and how it could go (see `voices_en`).

`ask.field` fits the values of that field; `ask` those of any other.
"""

from __future__ import annotations

PHRASES: dict[str, tuple[str, ...]] = {
    # ---- 3 common ground: {field}, {items}; {spark}: what the desk makes of it ----
    "shared.first": (
        "Both profiles list {items} under {field}, and {spark}",
        "Under {field}, the two of them overlap on {items}, and {spark}",
        "The common ground is {field}, where we found {items} on both lists, and {spark}",
        "Our reporters underlined {field}, since {items} came up twice, and {spark}",
        "Ask about {field}, and both of them may well bring up {items}, so {spark}",
        "In {field}, the two lists meet at {items}, and {spark}",
    ),
    "spark.couple": (
        "that is the moment when the whole newsroom looked up.",
        "somebody at the love desk has begun to hum already.",
        "that is said to be the spot where the rumor began.",
        "a topic for a first date has just been secured.",
        "our headline writers are reaching for the pink ink.",
        "the love desk could not possibly keep that to itself.",
    ),
    "spark.friend": (
        "there should be plenty to say at a first meeting.",
        "the friendship desk put a large star next to it.",
        "whoever mentions it first may get an eager reply.",
        "awkward silences will have a hard time here.",
        "a friendship has started with less than that.",
        "at least one shared laugh should be on the cards.",
    ),
    "spark.neutral": (
        "there should be plenty to say at a first meeting.",
        "the match desk put a large star next to it.",
        "whoever mentions it first may get an eager reply.",
        "awkward silences will have a hard time here.",
        "many a good story has started with less than that.",
    ),
    "shared.next": (
        "The overlap goes on under {field} with {items}, which adds another chapter to the "
        "conversation.",
        "That is not all: the shared list goes on with {items} under {field}, so a second topic "
        "is ready.",
        "Named by both under {field} as well: {items}, so our reporters had to sharpen the pencil "
        "again.",
        "Under {field}, too, both of them chose {items}, which is hard to put down to chance "
        "alone.",
        "Add {items}, to be found on both sides of {field}, and an awkward silence looks unlikely.",
    ),
    "shared.two": (
        "The overlap goes on with {items} under {field} and {items2} under {field2}.",
        "That is not all: on both lists we found {items} under {field}, and {items2} under "
        "{field2}.",
        "Both of them also chose {items} under {field} and {items2} under {field2}.",
    ),
    "ground.tail": (
        "The editors drew two stars next to that line and saved the page for the day they meet.",
        "Finding something to talk about should be the least of their worries on a first "
        "afternoon.",
        "That is what the two profiles have confirmed so far, and the deeper layers are left to "
        "conversation.",
        "Whether there is more to discover is something no profile can tell, so they had better "
        "find out in person.",
    ),
    "shared.tail": (
        "One line in common is enough to open a conversation, and the rest can follow at its own "
        "speed.",
        "It may look like a small thing, yet every story needs just one beginning.",
        "From here the lists can only grow, one question and one answer at a time.",
    ),
    "wish.both": (
        "What one hopes for is there in the other: {a} in the first case, {b} in the second, both "
        "under {theirs}.",
        "Hopes are met as well: one asked for {a}, the other for {b}, and each found it in the "
        "other.",
        "Under {mine}, one wrote {a}, the other {b}, and each is in the profile across, which "
        "made our desk smile.",
    ),
    "wish.same": (
        "Hopes are met as well: both of them asked for {items}, and each has it under {theirs}.",
        "Under {mine}, both of them wrote {items}, and there it is in either profile, under "
        "{theirs}.",
    ),
    "wish.one": (
        "There is more good news: one of them hopes for {items}, and that is under {theirs} in "
        "the profile across.",
        "One of them asked for {items} under {mine}, and the profile across says just that, which "
        "is a fine start.",
        "Under {mine}, one profile hopes for {items}, and the other has it under {theirs}, as if "
        "on request.",
        "One of them hopes to meet somebody {items}, and there it is in the profile across, under "
        "{theirs}.",
    ),
    "complement": (
        "Where they differ is good for stories, with {a} on one side of {field} and {b} on the "
        "other.",
        "They can trade tips as well, since under {field} one of them has {a} and the other has "
        "{b}.",
        "Under {field} each has something of their own, {a} here and {b} there, so either one may "
        "play the guide.",
        "One of them also named {a} under {field}, the other {b}, so there is something new to "
        "learn on either side.",
        "Under {field}, one also brings {a} and the other {b}, which is a good excuse for "
        "questions.",
    ),
    "shared.none": (
        "{what}, we have no overlap to report yet, so this story starts on a blank sheet.",
        "{what}, nothing came up twice this time, and we report it just as it is.",
    ),
    "what": (
        "List by list",
        "Going through their favorites",
        "Line after line",
    ),
    "shared.none.tail": (
        "Asking for each other's list could be the opening line, and it is a good one.",
        "We do not make things up, so the rest is theirs to find out over a long talk.",
        "Turned around, it means that there is a lot left to discover.",
    ),
    # ---- 4 how it could go; {entries}: several of life.entry ----
    "life.entry": ("{items} on {field}",),
    "life.one": (
        "Our notes on daily life add one more match, {items} on {field}, which is one thing they "
        "need not explain.",
        "On {field}, they gave the same answer, {items}, so that is one thing less to negotiate.",
        "Their answers on {field} are equal, {items}, which may keep the small print short.",
        "The {field} line matches too, with {items} twice, and small things like that can go a "
        "long way.",
    ),
    "life.many": (
        "Our notes on daily life add that they agree word for word: {entries}.",
        "There is little to explain in daily life, for their answers are equal here: {entries}.",
        "They gave the same answers on daily matters, {entries}, which may keep the small print "
        "short.",
        "Day to day they match as well, with {entries}, so there is less to explain.",
        "Several everyday lines match exactly, {entries}, and small things like that can go a "
        "long way.",
    ),
    "life.near": (
        "On {field}, the answers are not the same but close, {a} and {b}, which is easy to talk "
        "about.",
        "On {field}, they are neighbors with {a} and {b}, close enough to understand each other's "
        "day.",
        "Their answers on {field} sit one step apart, {a} and {b}, so a little goodwill should "
        "cover it.",
    ),
    "advice": (
        "A profile is only the trailer, of course, and the main feature is still to come.",
        "We can vouch for what is written, and talking will have to fill in the rest.",
        "Where the lists differ, there is room for a good question and a better answer.",
        "Not everything has to fall into place on day one, and leaving some of it for later is "
        "half the fun.",
    ),
    # ---- a question or a plan for the first meeting, about {item} under {field}, of both ----
    "ask": (
        "If each brings along one story about {item}, a first meeting has all the program it "
        "needs.",
        "Any opening will do when the topic is {item}, so each could name the latest thing that "
        "left an impression.",
        "How about opening with {item}, and with the story of how it began for each of them?",
        "If nobody knows what to say first, we recommend asking for the best memory that has to "
        "do with {item}.",
        "One question about {item}, such as what a newcomer should try first, and the hour could "
        "fly by.",
        "After the first hello, {item} would be a fitting next line, followed by what to try "
        "together one day.",
        "What makes {item} so special could be the opening question, and the answers need not be "
        "the same.",
    ),
    "ask.favoriteFoods": (
        "No need to study a menu for long: settle on {item}, and let each choose one thing to go "
        "with it.",
        "For a first meeting, how about {item}, with each of them naming the one place that never "
        "disappoints?",
        "If the venue is the problem, start from {item} and ask for the best meal of a lifetime "
        "so far.",
        "A good opening question would be which place comes to mind first at the mention of "
        "{item}.",
    ),
    "ask.likedSports": (
        "The first meeting need not be over coffee, so {item} at an easy pace could be on the "
        "plan as well.",
        "How about asking what started it with {item}, and then, in passing, when to give it a go "
        "together?",
        "Alone or in company, at dawn or after work: how each of them feels about {item} makes a "
        "fine first question.",
    ),
    "ask.pets": (
        "There is sure to be a story behind {item} under {field}, so why not trade those stories "
        "first?",
        "An anecdote is all it takes, so {item} under {field} could come up right after the first "
        "hello.",
        "A good question to start with is how {item} came to stand under {field}, and what has "
        "happened since.",
    ),
    "ask.selfDevelopment": (
        "Where it began and how far it should go: {item} under {field} is good for two questions "
        "and a long answer.",
        "How about opening with {field}, with what led to {item} and how far it has come this "
        "year?",
        "Start from {item} under {field}, and then ask what each would like to get done before "
        "the year is over.",
        "Going it alone is how plans get postponed, so a friendly question about how {item} is "
        "coming along could be a start.",
    ),
    "topic.none": (
        "How about opening with the story of an ordinary day, and with the hour of it that each "
        "likes best?",
        "A simple hello is enough to begin with, followed by what has been worth a laugh lately.",
        "Trading favorite things, one at a time and with the reason for each, would be a fine "
        "start.",
    ),
    "swap": (
        "Under {field}, one of them chose {a} and the other {b}, so asking each other why could "
        "fill a whole evening.",
        "Under {field}, one has {a} and the other {b}, so they could take turns and introduce one "
        "at each meeting.",
        "With {a} on one side of {field} and {b} on the other, how about teaching each other one "
        "thing at a time?",
    ),
    "outlook.couple": (
        "Take it slowly, and a first date could turn into a second before anyone has checked the "
        "time.",
        "Whether it ends in romance nobody can say, but with a first date the rumor would be half "
        "true.",
        "If one of them says hello first and the other says hello back, the rumor might just "
        "become true.",
        "The love desk is keeping a seat free for the next chapter, with a good view of the door.",
        "A short message could be all that this plot needs, and a short walk could do the rest.",
        "Should sparks fly, you will have heard it here first, and we will try not to look too "
        "pleased.",
        "The moment they sit down together the real story begins, and not even we know the next "
        "line.",
    ),
    "outlook.friend": (
        "Say hello without any pressure, and the kind of company that needs no occasion may "
        "follow.",
        "Give it time, and they might become the first one to call when there is good news.",
        "One meeting could become two, two could become a habit, and a habit could become a "
        "friendship.",
        "There is no hurry, since friendships keep their own pace and this one may take all the "
        "time it needs.",
        "Whoever says hello first writes the opening line of this friendship, and the two of them "
        "write the next.",
        "A small plan for an afternoon would be a good start, and nothing more is needed for a "
        "new friendship.",
        "Bit by bit, sharing ordinary days could make them the kind of friends one can lean on.",
    ),
    "outlook.neutral": (
        "Say hello without any pressure, and the rest may follow at its own speed.",
        "Whoever writes first gets the opening line of this story, and the two of them write the "
        "next.",
        "One meeting could become two before they know it, and then the story tells itself.",
        "There is no hurry, so they can find their own pace and see how far it takes them.",
        "A small plan for an afternoon would be a good start, and nothing more is needed for now.",
    ),
}
