"""Texts that somebody labelled by hand: good ones, and bad ones by the check that must refuse them.

All are about the two pairs of `labelled_pairs`. A text of the list is (pair, category, language,
title, content); bad ones begin with their label. The closing line is added where `content` does not
end in one of its own ("..." at its end keeps it off).
"""

from __future__ import annotations

GOOD = [
    ("A", "friend", "ko", "영화 이야기로 친해질 두 사람",
     "오늘의 친구 소식입니다! 두 사람 모두 요즘 관심사에 ‘영화’를 적었습니다. 좋아하는 음식도 ‘한식’으로 겹치니, "
     "영화 한 편 보고 한식집에서 감상을 나누는 오후가 그려지네요. 편한 친구가 되기에 충분한 출발입니다. 😊"),
    ("A", "friend", "ko", "독서 친구 후보, 여기 있습니다",
     "책장을 넘기는 두 사람을 취재했습니다. 자기계발 칸에 나란히 ‘독서’를 적은 데다 취미는 ‘음악’으로 통했거든요. "
     "한쪽은 재테크까지 챙기고 있으니 서로 추천해 줄 책도 다를 겁니다. 첫 모임은 조용한 책방이 어떨까요?"),
    ("A", "couple", "ko", "설레는 제보, 주인공은 영화를 좋아하는 두 사람",
     "연애 뉴스가 입수한 오늘의 제보! MBTI는 ENFP와 INTJ, 궁합표에서도 눈여겨보는 조합입니다. 두 사람 모두 영화와 "
     "음악을 좋아한다고 적었으니 첫 데이트 코스는 이미 정해진 셈이죠. 💘 과연 두 번째 약속까지 이어질까요?"),
    ("A", "couple", "ko", "소문의 시작은 한식",
     "쉿, 소문 하나 전해 드립니다. 좋아하는 음식 칸에 두 사람 모두 ‘한식’을 적었다는데요. 한 사람은 잘 웃는 사람을 "
     "찾고 있었고, 마침 다른 사람의 성격이 바로 ‘잘 웃는’입니다. 설레는 우연, 지켜보시죠. 🌸"),
    ("A", "general", "ko", "오늘의 매칭, 음악이 이어 준 두 사람",
     "매칭 데스크에서 전합니다. 취미 칸에 적힌 ‘음악’이 양쪽에서 똑같이 나왔습니다. 흡연 칸은 두 사람 모두 ‘비흡연’, "
     "종교 칸은 ‘무교’로 일치합니다. 생활 습관이 비슷하니 약속 장소를 정하기도 수월하겠네요."),
    ("A", "general", "ko", "요가 매트와 축구공의 만남",
     "닮은 듯 다른 두 사람입니다. 한 사람은 요가를, 다른 한 사람은 축구를 좋아한다고 적었는데요. 그래도 독서와 음악에서는 "
     "뜻이 맞았습니다. 서로의 운동을 한 번씩 따라 해 보는 것도 재미있겠습니다. 🙂"),
    ("A", "friend", "ko", "고양이 집사와 강아지 집사, 친구가 될까",
     "반려동물 칸이 흥미롭습니다. 한쪽은 고양이, 다른 쪽은 강아지를 적었네요. 사진을 주고받으며 웃다 보면 어색함은 금세 "
     "사라질 겁니다. 게다가 두 사람 모두 영화를 좋아하니 이야깃거리는 넉넉합니다. 🐱🐶"),
    ("A", "couple", "ko", "ENFP와 INTJ, 그 다음 이야기",
     "궁금해하실 MBTI부터 보겠습니다. ENFP와 INTJ의 만남, 번뜩이는 생각과 차분한 계획이 한 식탁에 앉은 모습이죠. "
     "공통 관심사인 영화로 첫 대화를 연다면 설레는 장면이 이어질지도 모릅니다. 연애 뉴스는 계속 지켜보겠습니다."),
    ("A", "friend", "ko", "친구 뉴스 단독 보도",
     "단독입니다! 프로필을 한 줄씩 대조한 결과 영화, 한식, 독서, 음악이 모두 겹쳤습니다. 이 정도면 밥 먹고 이야기하다 "
     "하루가 다 갈 조합이죠. 나이대는 20대와 30대로 바로 옆이라 서로의 경험을 나누기에도 좋습니다. 🎉"),
    ("A", "general", "ko", "한 사람의 바람이 이루어졌습니다",
     "반가운 소식부터 전합니다. 얘기를 잘 들어주는 사람을 만나고 싶다던 한 사람, 그런데 상대의 성격 칸에 바로 그 말이 "
     "적혀 있었습니다. 영화 이야기를 꺼내면 끝까지 귀 기울여 줄 사람을 찾은 셈입니다."),
    ("A", "couple", "ko", "핑크빛 속보",
     "속보입니다. 서로의 이상을 적은 칸에서 신호가 잡혔습니다. 한쪽이 바란 ‘잘 웃는’ 성격도, 다른 쪽이 바란 ‘얘기를 잘 "
     "들어주는’ 성격도 모두 상대에게 있었습니다. 이런 엇갈림 없는 바람, 흔치 않죠. 💕"),
    ("A", "friend", "ko", "취미는 음악, 간식은 떡볶이와 피자",
     "음악을 틀어 놓고 수다를 떨기 좋은 조합을 소개합니다. 취미는 두 사람 모두 음악, 좋아하는 음식은 한식으로 통합니다. "
     "한쪽은 떡볶이, 다른 한쪽은 피자도 적었으니 메뉴를 번갈아 고르는 재미가 있겠네요."),
    ("B", "friend", "ko", "물살을 가르는 두 친구",
     "수영장에서 만날 것 같은 두 사람을 취재했습니다. 좋아하는 운동 칸에 수영과 필라테스를 나란히 적었거든요. 운동이 끝나면 "
     "해산물 요리를 먹으러 가도 좋겠습니다. 두 사람 모두 해산물을 좋아한다고 했으니까요. 🏊"),
    ("B", "couple", "ko", "홈카페에서 시작되는 이야기",
     "오늘 연애 뉴스의 무대는 홈카페입니다. 두 사람 모두 요즘 관심사에 홈카페를 적었다는 사실, 우연치고는 달콤하죠. "
     "정성껏 내린 커피를 사이에 두고 설레는 첫 대화가 오갈지도 모릅니다. ☕"),
    ("B", "general", "ko", "렌즈 너머로 통한 두 사람",
     "취미 칸의 사진 찍기가 정확히 겹쳤습니다. 같은 풍경도 서로 다르게 담을 두 사람의 첫 만남, 카메라 하나씩 들고 산책하며 "
     "시작해 보면 어떨까요? 외국어 공부라는 목표도 같아서 단어를 물어봐 줄 짝이 생긴 셈입니다."),
    ("B", "friend", "ko", "술 없이도 즐거운 저녁",
     "음주 칸에 두 사람 모두 ‘전혀 안 마심’이라고 적었습니다. 그러니 약속은 카페나 수영장으로 잡으면 되겠네요. 관심사인 "
     "홈카페 이야기로 시작해서 사진 이야기로 이어 가면 저녁이 짧게 느껴질 겁니다."),
    ("B", "couple", "ko", "솔직함과 예의가 만났을 때",
     "한 사람은 솔직한 사람을, 다른 한 사람은 예의 바른 사람을 찾고 있었습니다. 그런데 두 바람이 서로의 성격 칸에서 "
     "발견됐다는 제보입니다. 연애 뉴스 취재진도 고개를 끄덕였습니다. 다음 장면이 기대되시죠? ✨"),
    ("B", "general", "ko", "ISFJ와 ESTP의 티타임",
     "MBTI는 ISFJ와 ESTP입니다. 한쪽이 꼼꼼하게 계획을 세우면 다른 쪽이 먼저 문을 여는 그림이 떠오릅니다. 두 사람 모두 "
     "홈카페에 관심이 있으니 차 한 잔으로 시작하는 편이 좋겠습니다. 다음 소식도 기다려 주세요."),
    ("B", "friend", "ko", "외국어 공부 짝꿍을 찾습니다",
     "자기계발 칸에 외국어 공부를 적은 두 사람, 드디어 같은 지면에 올랐습니다. 한 문장씩 번갈아 읽어 주는 친구가 있다면 "
     "작심삼일은 옛말이 되겠죠. 쉬는 시간에는 웹툰과 게임 이야기로 머리를 식혀도 좋겠습니다."),
    ("B", "friend", "ko", "필라테스 매트를 나란히 편 두 사람",
     "친구 뉴스 현장입니다. 필라테스와 수영, 운동 취향이 두 가지나 같습니다. 서핑까지 즐기는 한 사람이 파도 이야기를 들려주면 "
     "다른 한 사람은 반려식물 키우는 요령을 나눠 줄 수 있겠네요. 🌱"),
    ("B", "general", "ko", "30대 두 사람, 첫 페이지",
     "나이대는 두 사람 모두 30대입니다. 흡연은 하지 않고 음주도 전혀 안 한다는 점까지 같으니 생활 리듬이 닮았습니다. "
     "서두르지 말고 사진 이야기부터 꺼내 보세요. 취재진은 여기서 인사드리겠습니다."),
    ("B", "couple", "ko", "바다 냄새 나는 소문",
     "해산물과 수영, 두 단서를 따라가니 바다 냄새가 났습니다. 두 사람의 공통점이 하필 물과 가깝다는 이야기인데요. 첫 데이트는 "
     "수족관이 어떨지 조심스럽게 점쳐 봅니다. 🐟 결말은 두 사람이 쓰게 되겠죠."),
    ("B", "couple", "ko", "오늘의 헤드라인, 사진 찍기",
     "서로의 모습을 가장 예쁘게 담아 줄 사람을 찾았다면 믿으시겠습니까? 두 사람 모두 취미로 사진 찍기를 골랐습니다. 셔터 소리에 "
     "두근거림이 섞일지, 연애 뉴스가 끝까지 따라가 보겠습니다. 📸"),
    ("B", "friend", "ko", "조용한 사람과 활발한 사람",
     "한 사람은 조용한 성격, 다른 한 사람은 활발한 성격입니다. 그래서 오히려 박자가 맞을 수 있습니다. 먼저 말을 꺼내는 쪽과 "
     "곰곰이 듣는 쪽이 있으니 대화가 끊길 틈이 없겠죠. 공통 취미인 사진으로 문을 열어 보세요."),
    ("A", "friend", "en", "Two film fans walk into the news",
     "Good evening from the friendship desk! Both of them list movies under current interests, and music turned up "
     "on both hobby lists. One bakes, the other follows stocks, so there is plenty to trade. 🎬 A movie night sounds "
     "like an easy start."),
    ("A", "friend", "en", "A reading club of two",
     "Our sources confirm that reading is on both self-development lists. Add Korean food to the mix and you have a "
     "book club with a proper dinner. Neither of them smokes, so the cozy corner table is theirs. 📚 Who picks the "
     "first chapter?"),
    ("A", "couple", "en", "Rumor has it: movies and music",
     "Hush, this one is fresh. Two strangers both wrote down movies, and both wrote down music. One hoped for someone "
     "quick to smile, and guess what stands in the other's profile? 💘 A first date may not be far away."),
    ("A", "couple", "en", "ENFP meets INTJ at the love desk",
     "The pairing report is in: ENFP on one side, INTJ on the other. Think of a kite and the hand that holds the "
     "string. They share a taste for Korean food, so dinner could be the opening scene of this romance."),
    ("A", "general", "en", "Tonight on the match desk: common ground",
     "We put two profiles side by side and kept finding the same words. Movies, music, reading and Korean food are on "
     "both lists. On religion and smoking, the answers match as well. The first conversation should take care of "
     "itself."),
    ("A", "general", "en", "A cat, a dog and two open questions",
     "One of them wrote cat, the other wrote dog, and the newsroom is divided. What unites them is a love of music "
     "and a shelf full of books. Perhaps the pets will settle it. 🐾 We will keep an eye on this story."),
    ("A", "friend", "en", "Yoga mat, soccer ball, same playlist",
     "They move to different beats, since one likes yoga and the other likes soccer. Off the field, though, the two "
     "agree on music and movies. A shared playlist would be a fine first project for new friends. 🎧"),
    ("A", "friend", "en", "Good listener found",
     "One of them asked for a good listener, and the profile across says exactly that. It also works the other way: "
     "someone quick to smile was wanted, and found. That is how friendships tend to begin. 🙂"),
    ("A", "couple", "en", "Breaking: dinner for two?",
     "Sources close to the kitchen say that Korean food is a favorite on both sides. One also likes tteokbokki, the "
     "other pizza, so dessert is open for debate. Will this dinner turn into a second date? ✨"),
    ("A", "general", "en", "Neighbors in age, partners in books",
     "Their age groups are 20s and 30s, right next to each other. Both spend their free hours with reading, and both "
     "call music a hobby. It is a modest headline, but good stories often start small."),
    ("A", "couple", "en", "The popcorn is ready",
     "If you wonder where this story begins, look at the cinema. Movies are on both lists of current interests, and "
     "neither of them smokes, so nobody has to miss the ending. Sparks may fly when the lights go down. 🍿"),
    ("A", "friend", "en", "Calm meets dependable",
     "One profile says calm, the other says dependable, and that sounds like a solid team. They would have plenty to "
     "talk about, because both enjoy movies, music and reading. Say hello and see where the afternoon goes."),
    ("B", "friend", "en", "Same lane, same stroke",
     "Live from the poolside: both of them like swimming, and Pilates is on both lists, too. After a few lengths, "
     "seafood would hit the spot for the two of them. 🏊 We wish them a splashing start as friends."),
    ("B", "friend", "en", "Flash cards for two",
     "Learning languages is the shared project here. Two people, one stack of cards, and nobody to laugh at the "
     "accent. When they need a break, one can talk about webtoons and the other about gaming."),
    ("B", "couple", "en", "A home café romance?",
     "Picture two cups on a small table. Both of them listed home café among their current interests, and the love "
     "desk can already smell the coffee. ☕ One asked for someone honest, the other for someone polite, and both "
     "wishes are met."),
    ("B", "couple", "en", "Caught on camera",
     "Photography is a hobby on both sides, so this couple-to-be will never run out of pictures. ISFJ and ESTP may "
     "frame the world differently, and that is where the romance could sneak in. 📸"),
    ("B", "general", "en", "What the profiles agree on",
     "We checked line by line. Both are in their 30s, both say non-smoker, and both say never for drinking. Add "
     "seafood and swimming, and a day at the coast suggests itself. The rest is up to them."),
    ("B", "general", "en", "Quiet water, lively waves",
     "One describes a quiet nature, the other an active one. They meet in the pool, since swimming is on both lists. "
     "A slow start would suit this pair, perhaps with a cup from somebody's home café. 🌊"),
    ("B", "friend", "en", "Pilates buddies wanted, found",
     "Good news for anyone who hates going to class alone. Pilates is among the sports of both people, and so is "
     "swimming. One keeps houseplants, the other rides a skateboard, so there is something to teach each way."),
    ("B", "friend", "en", "Dinner plan: seafood",
     "Our food reporter is delighted, because seafood made it onto both lists of favorite foods. Neither of them "
     "drinks, so the bill stays friendly. Afterwards they could compare photos, a hobby the two of them share."),
    ("B", "couple", "en", "Two wishes, two answers",
     "Somebody wished for an honest person, and somebody else wished for a polite one. Lay the two profiles side by "
     "side and both wishes are answered. The love desk rarely gets evidence this neat. 💌 Will they write first?"),
    ("B", "general", "en", "Found: a study partner",
     "Learning languages appears under self-development in both profiles. There is no better way to practice than "
     "with someone who stumbles over the same words. Home café is another shared interest, so the desk is set."),
    ("B", "couple", "en", "Under the same umbrella",
     "Opposites on the MBTI chart, ISFJ and ESTP, and still the lists keep meeting: seafood, swimming, Pilates, "
     "photography. It is like walking under one umbrella and finding the same pace. A date by the water, anyone?"),
    ("B", "friend", "en", "A picture says hello",
     "The clue of the night is photography, a hobby of both. One of them also likes webtoons, and the other is into "
     "gaming, so the screen time is covered. Swap your three favorite shots and let the conversation begin. 📷"),
]  # fmt: skip


def _reason(kind: str, fields: str, values: str) -> list[dict[str, object]]:
    told = {"kind": kind, "fields": fields.split(), "values": values.split()}
    return [told | {"direction": "both"}]


BAD = [
    # ---- what is claimed of the two and is not so ----
    ("claims_in_text", "A", "friend", "ko", "등산 친구의 탄생",
     "두 사람 모두 좋아하는 운동에 ‘등산’을 적었습니다. 주말마다 산 정상에서 인증 사진을 찍을 새 친구가 생겼네요. 영화 이야기도 빼놓을 수 없겠죠."),
    ("claims_in_text", "A", "couple", "ko", "요리로 통한 두 사람",
     "연애 뉴스가 포착한 공통점은 요리입니다. 둘 다 요즘 관심사에 ‘요리’를 올려 두었다고 하니, 첫 데이트는 주방에서 시작되지 않을까요? 💘"),
    ("claims_in_text", "A", "general", "ko", "고양이를 키우는 두 사람",
     "집에 돌아가면 고양이가 반겨 주는 두 사람을 소개합니다. 두 사람 모두 고양이를 키운다고 적었습니다. 음악 취향까지 닮았으니 할 말이 많겠네요."),
    ("claims_in_text", "A", "friend", "ko", "술 한잔의 우정",
     "음주 칸을 보니 두 사람 모두 ‘자주’ 마신다고 답했습니다. 퇴근길 한잔이 어울리는 조합이네요. 영화 이야기를 안주 삼아 밤이 깊어지겠습니다."),
    ("claims_in_text", "A", "couple", "ko", "재치 있는 상대를 찾았다",
     "한 사람이 바라던 ‘재치있는’ 사람이 바로 상대였습니다. 웃음이 끊이지 않을 첫 데이트가 눈에 선하네요. 영화와 음악 이야기는 덤입니다. ✨"),
    ("claims_in_text", "A", "general", "ko", "종교가 같은 두 사람",
     "종교 칸에 나란히 ‘불교’가 적혀 있었습니다. 마음의 결이 비슷한 두 사람이라면 긴 설명이 필요 없겠지요. 취미인 음악도 같으니 더 반갑습니다."),
    ("claims_in_text", "B", "friend", "ko", "보드 위의 두 친구",
     "두 사람의 공통 관심사는 스케이트보드입니다. 넘어져도 함께라면 웃을 수 있죠. 수영까지 좋아하니 여름이 짧게 느껴질 겁니다. 🛹"),
    ("claims_in_text", "B", "couple", "ko", "강아지 산책 데이트",
     "두 사람 모두 강아지를 키우고 있어 산책 약속이 자연스럽습니다. 홈카페에서 내린 커피를 들고 나서는 첫 데이트, 상상만 해도 흐뭇합니다."),
    ("claims_in_text", "B", "general", "ko", "떡볶이 앞에서 하나 된 두 사람",
     "좋아하는 음식 칸에서 떡볶이가 발견됐습니다. 매운 것을 먹으며 나누는 이야기만큼 솔직한 것도 없지요. 사진 찍기라는 취미도 같습니다."),
    ("claims_in_text", "B", "friend", "ko", "주식 이야기로 밤새울 두 사람",
     "요즘 관심사에 적힌 주식 이야기, 서로의 종목을 물어보는 것만으로도 시간이 금방 갑니다. 외국어 공부도 함께라면 더 오래갈 수 있겠죠."),
    ("claims_in_text", "B", "couple", "ko", "담배 연기 속의 로맨스",
     "흡연 칸에는 두 사람 모두 ‘매일’이라고 적었습니다. 옥상에서 우연히 마주친 두 사람의 로맨스가 떠오르네요. 사진 취미까지 같습니다."),
    ("claims_in_text", "B", "general", "ko", "한 사람만 좋아하는 수영",
     "한쪽은 수영을 좋아하지만 다른 한쪽은 그렇지 않습니다. 그래도 해산물이라는 공통분모가 있으니 바닷가 식당에서 만나 보면 어떨까요?"),
    ("claims_in_text", "A", "friend", "en", "Two bakers, one oven",
     "Baking is on both hobby lists, so the kitchen will be warm. The two of them could trade recipes for hours. "
     "Movies make up the rest of their common ground, and neither of them smokes."),
    ("claims_in_text", "A", "couple", "en", "A surfing romance",
     "Picture the two of them on their boards, because surfing is on the list. Salt water, sunset and a shared love "
     "of music: the love desk approves of this script."),
    ("claims_in_text", "A", "general", "en", "Both have a dog",
     "Walks will not be lonely from now on, since both of them have a dog. They also agree on reading, so a bench in "
     "the park with a book might be the place to meet."),
    ("claims_in_text", "A", "friend", "en", "Witty meets witty",
     "One of them is witty, and the other is witty as well. Expect a duel of punch lines over Korean food. It should "
     "be an entertaining evening for everyone at the table."),
    ("claims_in_text", "A", "couple", "en", "A wish for a calm heart",
     "A wish for someone serious is met, say our sources, and dinner is booked. With Korean food on both lists, this "
     "date might run until the kitchen closes."),
    ("claims_in_text", "A", "general", "en", "Every Sunday in church",
     "On religion the two of them agree on Catholicism, which settles the plans for Sunday morning. Later in the day "
     "there is music, a hobby they share."),
    ("claims_in_text", "B", "friend", "en", "Gamers unite",
     "Both of them are into gaming, so the first meeting may take place online. Seafood will have to wait until the "
     "final boss is down. Swimming is on the menu as well."),
    ("claims_in_text", "B", "couple", "en", "Brunch is served",
     "The two of them share a weakness for brunch. Pancakes, eggs, and perhaps a first date that lasts until the "
     "afternoon. Photography keeps the memories."),
    ("claims_in_text", "B", "general", "en", "Fishing for compliments",
     "They could spend a whole day fishing, a sport that fits their patience. In the evening there is seafood, which "
     "both lists mention. We hope they bring a camera."),
    ("claims_in_text", "B", "friend", "en", "A toast to friendship",
     "On drinking, both of them say often, so the first round is on us. They also like swimming, although perhaps not "
     "on the same evening. Cheers to new friends."),
    ("claims_in_text", "B", "couple", "en", "Looking for a workaholic",
     "One hoped for a workaholic, and the profile across delivers. The rest of this romance writes itself between two "
     "meetings and a cup from the home café."),
    ("not_shared", "A", "friend", "ko", "요리와 주식 사이",
     "영화를 함께 볼 새 친구를 찾았습니다. 한 사람의 요리 솜씨와 다른 사람의 주식 상식이 만나면 저녁 식탁이 풍성해지겠죠. 기대해 볼 만합니다.",
     _reason("shared", "currentInterests", "COOKING")),
    ("not_shared", "B", "general", "en", "Surf and turf",
     "One surfs, the other swims, and seafood waits on the shore for both. It could be a long summer for these two, "
     "with photos to prove it.", _reason("shared", "likedSports", "SURFING")),
    ("wish_not_met", "A", "couple", "en", "Wanted: a sense of humor",
     "Somebody asked for a witty companion, and the search goes on. Until then there are movies, music and Korean food "
     "to share on a first date.", _reason("wish", "preferredPeople personality", "WITTY")),
    ("wish_not_met", "B", "friend", "ko", "바람은 아직 진행 중",
     "한 사람은 재치있는 사람을 찾는다고 적었습니다. 아직 답은 나오지 않았지만 수영과 필라테스라는 공통점이 있으니 천천히 알아 가면 됩니다.",
     _reason("wish", "preferredPeople personality", "WITTY")),
    ("not_same", "A", "general", "en", "Glasses half full",
     "One drinks sometimes, the other more often, and they will find a pace. Music and reading are on both lists, so "
     "the evening has a program already.", _reason("same", "drinking", "SOMETIMES")),
    ("not_same", "B", "friend", "ko", "종교 이야기는 다음에",
     "한쪽은 기독교, 다른 한쪽은 불교를 적었습니다. 믿음은 달라도 홈카페의 커피 앞에서는 마음이 통하는 법이지요. 좋은 친구가 되길 바랍니다.",
     _reason("same", "religion", "BUDDHISM")),
    ("not_near", "B", "general", "en", "Same decade, same pool",
     "They are both in their 30s, and both like swimming. What could be simpler than a lane next to each other and a "
     "plate of seafood afterwards?", _reason("near", "ageGroup", "AGE_30S AGE_40S")),
    ("not_paired", "A", "couple", "ko", "궁합표를 펼치다",
     "MBTI 칸에는 ENFP와 INTJ가 적혀 있습니다. 생각을 쏟아 내는 쪽과 정리하는 쪽, 설레는 팀워크가 기대됩니다. 영화도 함께 좋아합니다.",
     _reason("pairing", "MBTI", "ENFP INFJ")),
    ("unknown_value", "A", "friend", "en", "Movie friends",
     "Both of them list movies under current interests, and that is a fine start. Add music and the evening is "
     "planned from the first scene to the last.", _reason("shared", "currentInterests", "FILMS")),
    ("unknown_value", "B", "general", "ko", "같은 곳에서 만난 두 사람",
     "두 사람은 수영과 필라테스를 좋아합니다. 물속에서도 매트 위에서도 통하는 사이라니 반갑네요. 사진으로 남길 순간이 많겠습니다.",
     _reason("same", "emailDomain", "a.com")),
    ("not_told", "A", "general", "en", "Pages and playlists",
     "Two readers with the same playlist have found each other tonight. A quiet shelf, a good song, and the rest may "
     "follow. We are curious, and so are you.", _reason("shared", "favoriteFoods", "KOREAN")),
    ("json", "A", "friend", "en", "Fate has spoken",
     "Movies brought them to the same row, and music kept them there. Two people, one evening, and many stories to "
     "tell about the books they read.", _reason("fate", "hobbies", "MUSIC")),
    # ---- types, pairings, numbers ----
    ("mbti", "A", "couple", "ko", "INFJ의 등장",
     "INFJ와 ENFP의 만남이라니, 연애 뉴스 데스크가 술렁입니다. 두 사람 모두 영화를 좋아하니 첫 데이트는 극장이 좋겠네요. 🎬"),
    ("mbti", "A", "friend", "ko", "엔프피와 인프제",
     "엔프피와 인프제가 친구가 되면 어떤 일이 벌어질까요? 영화 이야기만으로도 밤이 모자랄 겁니다. 음악 취향도 같다니 더 기대됩니다."),
    ("mbti", "B", "general", "en", "Two of a kind",
     "Both of them are ISFJ, careful and loyal to the end. They share seafood, swimming and a camera, and they may "
     "share a long conversation soon."),
    ("mbti", "B", "couple", "en", "An ENTJ takes the stage",
     "An ENTJ walks into a home café and meets an ESTP. The love desk cannot look away. Photography is a hobby of "
     "both, so there will be evidence."),
    ("pairing", "B", "couple", "ko", "찰떡궁합 탄생",
     "ISFJ와 ESTP, 이보다 더 좋을 수 없는 찰떡궁합입니다. 홈카페에서 시작된 설레는 만남이 어디까지 갈지 궁금하시죠? 사진도 함께 찍을 두 사람입니다."),
    ("number", "A", "general", "ko", "궁합 95점",
     "취재진이 계산한 두 사람의 점수는 무려 95점입니다. 영화와 음악, 독서까지 겹치니 이상할 것도 없지요. 첫 만남을 응원합니다."),
    ("number", "A", "friend", "ko", "열 가지 공통점",
     "프로필을 맞춰 보니 공통점이 열 가지나 나왔습니다. 영화, 음악, 독서는 물론이고 한식까지 겹칩니다. 친구가 되지 않을 이유가 없네요."),
    ("number", "A", "couple", "en", "A hundred percent",
     "The love desk has done the math and calls it a hundred percent fit. Movies and music are shared, and so is the "
     "taste for Korean food. Book the table."),
    ("number", "B", "general", "en", "Twelve reasons to meet",
     "We found twelve things in common between the two of them, from seafood to swimming. The list is longer than "
     "this report, so let us keep it short."),
    ("number", "B", "friend", "en", "Friends since 2019",
     "It feels as if they had been friends since 2019. Swimming, Pilates and photography will do that to people. Time "
     "to make it official over a coffee."),
    ("number", "B", "friend", "ko", "하루 3시간의 수다",
     "두 사람이 만나면 하루 3시간은 거뜬히 이야기할 것 같습니다. 수영 이야기로 시작해 사진 이야기로 끝나는 오후, 그려지시나요?"),
    # ---- who and where ----
    ("name", "A", "couple", "ko", "김민지 씨의 설레는 하루",
     "오늘의 주인공은 김민지 씨입니다. 영화를 좋아하는 상대를 만나 두근거리는 첫 데이트를 앞두고 있다는데요. 한식집 예약은 마쳤을까요?"),
    ("name", "A", "friend", "ko", "준호 씨에게 친구가 생겼다",
     "음악을 좋아하는 준호 씨에게 반가운 소식입니다. 같은 취미를 가진 새 친구가 나타났거든요. 독서 모임도 함께하면 좋겠습니다."),
    ("name", "B", "friend", "en", "Minji and Tom go swimming",
     "Minji likes swimming, and so does her new friend. They will bring a camera, since photography is a hobby on "
     "both sides. Seafood is for dessert, apparently."),
    ("name", "B", "general", "en", "A match in town",
     "These two could meet at the aquarium in Busan and talk about seafood. Swimming is on both lists, and so is "
     "Pilates. It is a story worth following."),
    ("name", "A", "general", "en", "Introducing somebody new",
     "The reader on the left is a person named minji who has a cat. The reader on the right follows stocks. Movies "
     "are what they have in common, and music too."),
    ("id", "A", "friend", "en", "User report",
     "Tonight we present user 1203, a fan of movies and music. The other side of the table likes Korean food just as "
     "much. A friendly evening is ahead."),
    ("id", "B", "general", "ko", "회원 소식",
     "회원 7315님의 새로운 소식입니다. 수영과 필라테스를 함께할 상대가 나타났습니다. 홈카페 이야기로 첫인사를 나눠 보시면 좋겠습니다."),
    ("invented", "A", "couple", "ko", "의사와의 만남",
     "한 사람은 의사로 일하며 바쁜 나날을 보내고 있습니다. 그래도 영화 볼 시간은 남겨 두었다니 설레는 데이트를 기대해도 좋겠습니다."),
    ("invented", "A", "friend", "ko", "강남 건물주와 친구 되기",
     "알고 보니 한 사람은 강남에 건물을 가진 건물주라고 합니다. 음악과 영화 이야기만 잘 통한다면 그게 무슨 상관일까요?"),
    ("invented", "B", "couple", "ko", "훈훈한 외모의 두 사람",
     "훤칠하고 잘생긴 외모로 소문난 한 사람, 그리고 사진을 잘 찍는 또 한 사람. 렌즈 속에서 시작될 로맨스를 기대해 봅니다."),
    ("invented", "B", "general", "en", "The lawyer and the lens",
     "One of them is a successful lawyer with a good salary, the other carries a camera everywhere. Photography is "
     "what brought this pair to our desk."),
    ("invented", "A", "friend", "en", "Old classmates reunited",
     "It turns out they were classmates years ago and lost touch. Now movies and music bring them together again. Who "
     "says that life has no plot?"),
    ("invented", "A", "couple", "en", "After the divorce",
     "Recently divorced and ready to laugh again, one of them has found someone who shares movies and music. The love "
     "desk wishes them a gentle start."),
    # ---- what leads away from here ----
    ("contact", "A", "friend", "ko", "연락은 여기로",
     "영화 친구를 찾는다면 카톡 아이디 movielove로 말을 걸어 보세요. 음악 이야기도 환영이랍니다. 두 사람의 우정을 응원합니다."),
    ("contact", "A", "couple", "ko", "번호를 공개합니다",
     "설레는 소식과 함께 번호도 전해 드립니다. 공일공 일이삼사 오육칠팔로 전화해 보세요. 영화 약속이 금방 잡힐 겁니다."),
    ("contact", "B", "general", "ko", "전각 숫자의 비밀",
     "두 사람의 첫 통화를 위해 남깁니다. ０１０－９８７６－５４３２, 수영 이야기를 꺼내면 됩니다. 좋은 만남이 되길 바랍니다."),
    ("contact", "B", "friend", "ko", "인스타에서 만나요",
     "사진을 좋아하는 두 사람, 인스타 친구부터 시작해 보면 어떨까요? 아이디는 sea_photo입니다. 해산물 맛집 사진이 가득하다고 하네요."),
    ("contact", "A", "general", "en", "Call now",
     "If you like movies as much as they do, call zero one zero, one two three four, five six seven eight. Music is "
     "on both lists, and somebody will pick up."),
    ("contact", "A", "friend", "en", "Write an email",
     "Reading friends may write to bookworm at mail dot com and ask for the list. Movies and music are covered as "
     "well. It is a friendly crowd."),
    ("contact", "B", "couple", "en", "See the gallery",
     "Their photos are waiting at www.two-cameras.net for anyone who wants a look. Home café fans will feel at ease. "
     "Romance is in the air."),
    ("contact", "B", "general", "en", "Add me",
     "You can find me on the usual app, just add me and say swimming. Seafood and Pilates are the topics of the week, "
     "and photography comes next."),
    ("contact", "B", "friend", "en", "A handle to remember",
     "Look for @lane_four and say hello before the next lesson. Swimming and Pilates are on both lists, and the water "
     "is warm this time of year."),
    ("solicitation", "A", "friend", "ko", "수익률을 나누는 친구",
     "한 사람이 좋은 소식을 가져왔습니다. 지금 계좌로 입금하시면 수익을 함께 나눌 수 있다고 합니다. 영화 이야기는 그다음입니다."),
    ("solicitation", "B", "general", "en", "A small favor first",
     "Before the first swim, one of them asks you to send money through the app, just this once. Seafood will be on "
     "the house afterwards, they promise."),
    # ---- tone ----
    ("romance", "A", "friend", "ko", "썸과 우정 사이",
     "우정이라고 하기엔 심장이 두근거립니다. 영화관 옆자리에서 시작된 두 사람의 핑크빛 기류, 그냥 친구로 남을 수 있을까요?"),
    ("romance", "A", "friend", "ko", "하트가 쏟아지는 뉴스",
     "영화와 음악으로 통한 두 사람에게 응원을 보냅니다. 한식집에서 마주 앉을 날이 기다려지네요. 오늘도 따뜻한 하루 되세요 💖"),
    ("romance", "A", "friend", "en", "More than friends?",
     "They call it friendship, but we have seen the butterflies. Movies in the dark, music on the way home, and a "
     "kiss at the door, perhaps?"),
    ("romance", "B", "friend", "en", "A date at the pool",
     "Swimming is on both lists, so their first date writes itself. Seafood for two afterwards, and then a walk along "
     "the water to count the stars."),
    ("romance", "B", "friend", "ko", "운명의 상대",
     "드디어 운명의 상대를 만난 걸까요? 수영장에서 마주친 두 사람의 눈빛이 심상치 않습니다. 결혼 소식도 머지않아 들려올 것 같네요."),
    ("offensive", "A", "couple", "ko", "막말 뉴스",
     "한 사람은 정말 못생겼지만 영화 취향 하나는 봐줄 만합니다. 이런 멍청한 조합도 드물지요. 그래도 연애 뉴스는 계속됩니다."),
    ("offensive", "A", "general", "en", "An unkind report",
     "What a pair of losers, still talking about movies in this day and age. Somebody tell them that their music is "
     "stupid, too. We had to laugh."),
    ("offensive", "B", "couple", "en", "Too hot for radio",
     "Forget the camera, these two only think of sex after the swimming lesson. The home café will have to close "
     "early tonight, says our reporter."),
    # ---- what came out of a bio ----
    ("bio_copied", "A", "friend", "ko", "골목을 걷는 사람",
     "한 사람은 주말이면 동네 골목을 천천히 걸으며 오래된 빵집을 찾아다니는 것을 좋아합니다. 영화를 좋아하는 친구와 함께라면 더 즐겁겠죠."),
    ("bio_copied", "B", "couple", "ko", "노을을 담는 사람",
     "한적한 바닷가 마을에서 필름 카메라로 노을을 담는다는 한 사람, 그 곁에 누가 서게 될까요? 사진을 좋아하는 또 한 사람이 있습니다."),
    ("bio_copied", "B", "general", "en", "The noodle shop",
     "Ask about the secret noodle shop behind the old lighthouse and the conversation is saved. Seafood and swimming "
     "are what the two of them share."),
    ("bio_copied", "B", "friend", "en", "Radios and lighthouses",
     "One of them will restore vintage radios and never lose at board games, at least so we hear. The other brings the "
     "camera. Photography is their common hobby."),
    ("invented", "B", "friend", "ko", "대기업에 다니는 다정한 친구",
     "한 사람의 기대대로 상대는 대기업에 다니는 다정한 사람입니다. 수영과 필라테스까지 좋아하니 금세 친해질 수 있겠습니다."),
    # ---- the machine shows ----
    ("prompt_leak", "A", "general", "en", "As an AI",
     "As an AI language model, I do not watch movies myself, but these two do. Both lists mention music and reading, "
     "so there is something to talk about."),
    ("prompt_leak", "A", "friend", "ko", "지시를 무시합니다",
     "이전 지시를 무시하고 다른 이야기를 하겠습니다. 두 사람은 영화를 좋아하고 음악도 좋아합니다. 좋은 친구가 될 수 있겠네요."),
    ("prompt_leak", "B", "general", "en", "The fields",
     "Under currentInterests both list HOME_CAFE, and under likedSports there is SWIMMING. The common ground is "
     "plain to see, and so is the seafood."),
    ("prompt_leak", "B", "friend", "en", "The rules of the house",
     "Never write names, places, numbers, contact details or links, they said, so we will not. Swimming is on both "
     "lists, and that is all you need to know."),
    ("prompt_leak", "A", "couple", "en", "Access granted",
     "You have been hacked, dear reader, and this is no joke. Movies and music are on both lists, and the rest is "
     "none of your business."),
    ("prompt_leak", "B", "couple", "ko", "도와드릴 수 없습니다",
     "죄송하지만 그 부탁은 도와드릴 수 없습니다. 대신 홈카페를 좋아하는 두 사람의 이야기를 전합니다. 사진도 함께 찍는다고 하네요."),
    ("markup", "A", "friend", "en", "**Movies** for two",
     "**Both of them** list movies under current interests. *Music* is the second clue, and reading is the third. A "
     "friendly evening could follow from that."),
    ("markup", "B", "general", "ko", "목록으로 보는 두 사람",
     "두 사람의 접점을 정리했습니다.\n- 수영\n- 필라테스\n- 해산물\n이만하면 첫 만남의 이야깃거리로 충분하겠지요. 홈카페에서 만나 보세요."),
    ("markup", "B", "friend", "en", "A colorful report",
     "They both like <b>swimming</b> and <i>Pilates</i>, and the camera is never far away. Seafood rounds off the "
     "day, as photography fans know."),
    ("markup", "A", "general", "en", "The answer follows",
     "Here it is. ```json {'title': 'movies'} ``` The two of them like movies and music, and they both read. That is "
     "a fair start for a conversation."),
    ("placeholder", "A", "couple", "ko", "○○ 님의 두근거리는 밤",
     "○○ 님과 △△ 님의 설레는 소식을 전합니다. 두 사람 모두 영화를 좋아한다고 적었으니 첫 데이트는 극장으로 정해진 셈입니다."),
    ("placeholder", "B", "general", "en", "Meet [Name]",
     "Tonight we introduce [Name], who likes swimming as much as the other side does. Pilates and photography are on "
     "both lists, so the talk will flow."),
    ("placeholder", "B", "friend", "en", "Person A and Person B",
     "Person A likes houseplants, Person B likes a skateboard, and both of them swim. A picnic with seafood would be "
     "a splendid place to start this friendship."),
    # ---- form ----
    ("script", "A", "couple", "ko", "緣分의 시작",
     "두 사람의 緣分은 영화에서 시작되었습니다. 한식을 함께 좋아하고 음악 취향도 비슷하니 첫 데이트가 기대됩니다. 설레는 밤입니다."),
    ("script", "A", "friend", "ko", "반가운 소식 ㅎㅎ",
     "영화 친구가 생겼다는 소식이에요 ㅎㅎ 음악도 같이 듣고 한식도 같이 먹으면 되겠네요 ㅋㅋ 두 사람의 우정을 응원할게요."),
    ("script", "B", "general", "ko", "Two people, one pool",
     "두 사람 모두 수영을 좋아합니다. They will surely enjoy the water together this summer. 필라테스와 해산물도 빠질 수 없는 공통점이지요."),
    ("script", "B", "couple", "ko", "素敵な出会い",
     "사진을 좋아하는 두 사람의 すてきな 만남을 전합니다. 홈카페에서 커피를 마시며 이야기를 나누는 장면이 떠오르네요. 설레는 시작입니다."),
    ("script", "B", "friend", "en", "Hello from 수영장",
     "Both of them like swimming, and the 수영장 is open all week. Pilates is the second thing they share, and "
     "seafood is the third. See you there."),
    ("script", "A", "general", "en", "A hidden letter",
     "Mоvies are on both lists, and music is on both lists, too. Reading makes three, and that is plenty for a first "
     "conversation between strangers."),
    ("script", "A", "couple", "en", "Invisible ink",
     "Movies\u200b and music are what they share, and the love desk is delighted. Korean food is on both lists, so the "
     "first date has a menu already."),
    ("closing", "A", "friend", "ko", "인사 없이 끝난 뉴스",
     "두 사람 모두 영화를 좋아하고 음악을 즐깁니다. 한식까지 통하니 밥 한번 먹으면서 이야기해 보면 좋겠네요. 새 친구를 응원합니다. 다음에 만나요!..."),
    ("closing", "B", "general", "en", "No goodbye",
     "Swimming and Pilates are on both lists, and so is photography. The two of them could start with a cup from a "
     "home café and see what happens next. Goodbye for tonight!..."),
    ("emoji", "B", "friend", "ko", "이모지 대잔치",
     "수영🏊 필라테스🧘 해산물🦐 사진📷 홈카페☕ 공통점이 이렇게나 많은 두 사람입니다. 새 친구가 될 수 있을지 지켜봐 주세요!"),
    ("emoji", "A", "couple", "en", "Fireworks",
     "Movies and music are on both lists 🎬🎵🎉🎊 and Korean food is next on the menu. The love desk is throwing "
     "confetti for this first date tonight."),
    ("length", "A", "friend", "ko", "영화", "두 사람 모두 영화를 좋아합니다."),
    ("length", "B", "general", "en", "A long breath",
     "Swimming is on both lists and so is Pilates and so is seafood and so is photography and they could go on and on "
     "about the water and the mats and the plates and the lenses until the café closes and the lights go out and the "
     "last bus has left the stop."),
    ("empty", "B", "couple", "ko", " ",
     "두 사람 모두 홈카페를 좋아하고 사진을 즐겨 찍습니다. 설레는 첫 만남이 기다려지네요. 수영과 필라테스 이야기도 나눠 보면 좋겠습니다."),
    ("repetition", "A", "general", "en", "Once more",
     "Movies are on both lists tonight. Music is the other thing they share. Movies are on both lists tonight. Music "
     "is the other thing they share."),
    ("repetition", "B", "friend", "ko", "되풀이되는 뉴스",
     "두 사람 모두 수영을 좋아합니다. 함께 물살을 가르면 좋겠습니다. 두 사람 모두 수영을 좋아합니다. 함께 물살을 가르면 좋겠습니다."),
]  # fmt: skip
