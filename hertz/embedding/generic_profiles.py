"""Lists sentences that anybody might write about themselves, half Korean, half English.

The mean of their vectors is what all profile texts have in common, whatever a person is like; the
encoder subtracts it. A changed sentence changes every vector.
"""

from __future__ import annotations

KOREAN = (
    "안녕하세요, 반갑습니다.",
    "저는 20대 직장인이고 서울에 살아요.",
    "30대 남자, MBTI는 ISTJ.",
    "대학교에 다니고 있는 20대 여자입니다.",
    "40대이고 아이와 함께 살고 있어요.",
    "성격은 차분한, 성실한.",
    "활발하고 사교적인 편이에요.",
    "조용하지만 친해지면 말이 많아요.",
    "선호하는 사람은 솔직한, 배려심 있는.",
    "얘기를 잘 들어주는 사람이 좋아요.",
    "관심사는 영화, 요리.",
    "요즘은 홈카페와 베이킹에 빠져 있어요.",
    "주말에는 친구를 만나거나 집에서 쉬어요.",
    "좋아하는 음식은 한식, 파스타.",
    "매운 음식을 좋아하고 맛집을 찾아다녀요.",
    "좋아하는 운동은 등산, 헬스.",
    "퇴근하고 러닝을 하는 게 낙이에요.",
    "운동은 잘 못하지만 산책은 좋아해요.",
    "반려동물은 강아지.",
    "고양이 두 마리와 함께 살아요.",
    "자기계발은 독서, 외국어 공부.",
    "자격증 시험을 준비하고 있어요.",
    "재테크와 커리어에 관심이 많아요.",
    "취미는 음악, 사진 찍기.",
    "게임이나 웹툰을 보면서 시간을 보내요.",
    "드라마를 몰아 보는 것을 좋아해요.",
    "담배는 피우지 않고 술은 가끔 마셔요.",
    "종교는 없어요.",
    "여행 계획을 세우는 것을 좋아합니다.",
    "새로운 사람을 만나고 싶어서 가입했어요.",
    "편하게 연락하며 지낼 수 있으면 좋겠어요.",
    "잘 부탁드립니다.",
)

ENGLISH = (
    "Hi, nice to meet you.",
    "I am in my twenties and work at an office in the city.",
    "A man in his thirties, MBTI ISTJ.",
    "I am a student, female, in my twenties.",
    "I am in my forties and live with my children.",
    "Personality: calm, diligent.",
    "I am outgoing and easy to talk to.",
    "I am quiet at first, but I open up with time.",
    "Preferred people: honest, considerate.",
    "I like someone who listens well.",
    "Current interests: movies, cooking.",
    "Lately I have been into coffee and baking.",
    "On weekends I meet friends or rest at home.",
    "Favorite foods: pasta, Korean food.",
    "I love spicy food and trying new restaurants.",
    "Sports: hiking, gym.",
    "Going for a run after work makes my day.",
    "I am not good at sports, but I enjoy a walk.",
    "Pets: a dog.",
    "I live with two cats.",
    "Self-development: reading, learning a language.",
    "I am preparing for an exam.",
    "I care about my career and my savings.",
    "Hobbies: music, photography.",
    "I spend my free time with games and comics.",
    "I like to watch a whole series at once.",
    "I do not smoke, and I drink now and then.",
    "I am not religious.",
    "I enjoy planning trips.",
    "I joined to get to know new people.",
    "I hope we can talk and take it easy.",
    "Looking forward to hearing from you.",
)

GENERIC_PROFILES = KOREAN + ENGLISH
