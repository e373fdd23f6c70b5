"""What the report says, in Korean and English; the page shows one of them, Markdown English."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    # the head
    "report": ("실행 리포트", "Run report"),
    "language": ("언어", "Language"),
    "ended": ("끝난 시각", "Ended"),
    "policy": ("정책", "Policy"),
    "embedding_model": ("임베딩 모델", "Embedding model"),
    "language_model": ("언어 모델", "Language model"),
    "no_model": ("없음 (템플릿)", "none (template)"),
    "within": ("기준 통과", "Within the limits"),
    "outside": ("기준 벗어남", "Outside the limits"),
    "outside_told": (
        "아래 기준을 벗어나 공개되지 않고 따로 보관되었습니다. 이전 스냅샷이 계속 서비스됩니다.",
        "Figures are outside the limits below, so the run was kept aside and not published. "
        "The snapshot before it goes on serving.",
    ),
    "publish_hint": ("살펴본 뒤 공개하려면:", "To publish it after a look:"),
    # figures
    "users": ("사용자", "Users"),
    "quarantined": ("격리된 행", "Quarantined rows"),
    "matches": ("매칭", "Matches"),
    "pairs": ("가능한 쌍", "Eligible pairs"),
    "explanations": ("설명", "Explanations"),
    "coverage": ("도달률", "Coverage"),
    "coverage_told": (
        "매칭이 하나라도 있는 사용자의 비율", "users with at least one match"
    ),
    "reciprocity": ("상호성", "Reciprocity"),
    "reciprocity_told": (
        "내 목록의 상대도 나를 목록에 가진 비율", "how often the other one lists me too"
    ),
    "gini": ("노출 지니", "Exposure Gini"),
    "gini_told": (
        "0 = 고르게 노출, 1 = 한 사람에게 집중", "0 = all alike, 1 = all on one person"
    ),
    "churn": ("목록 변화율", "List churn"),
    "churn_told": (
        "지난 공개본과 달라진 목록의 평균 비율", "share of the lists that changed, on average"
    ),
    "users_lost": ("사라진 사용자", "Users lost"),
    "users_new": ("새 사용자", "New users"),
    "new": ("새로", "new"),
    "gone": ("사라짐", "gone"),
    "took": ("걸린 시간", "Took"),
    "score_shift": ("점수 이동", "Score shift"),
    "grounded": ("사실로 확인된 모델 글", "Grounded model texts"),
    "on_no_list": ("어느 목록에도 없는 사용자", "Users on no list"),
    "mean": ("평균", "Mean"),
    "median": ("중앙값", "Median"),
    "all_categories": ("전체", "All"),
    "category": ("카테고리", "Category"),
    # sections
    "gate": ("공개 기준", "The gate"),
    "gate_told": (
        "정책의 하한과 상한입니다. 벗어난 스냅샷은 공개되지 않습니다.",
        "The policy's floors and ceilings. A snapshot outside is not published.",
    ),
    "figure": ("지표", "Figure"),
    "found": ("값", "Found"),
    "limit": ("기준", "Limit"),
    "least": ("최소", "at least"),
    "most": ("최대", "at most"),
    "ok.short": ("통과", "within"),
    "outside.short": ("벗어남", "outside"),
    "not judged.short": ("판정 안 함", "not judged"),
    "runs": ("지난 실행과 비교", "Against the last runs"),
    "counts": ("수량", "Counts"),
    "this_run": ("이번", "This run"),
    "last_published": ("지난 공개본", "Published before"),
    "change": ("변화", "Change"),
    "seconds": ("단계별 시간(초)", "Seconds a stage"),
    "stage": ("단계", "Stage"),
    "usual": ("보통(중앙값)", "Usual (median)"),
    "all_stages": ("전체", "All"),
    "seconds_plot": (
        "최근 실행의 단계별 시간(초). ×: 공개되지 않은 실행",
        "Seconds a stage, the last runs; ×: not published",
    ),
    "quality_plot": ("최근 실행의 품질 지표", "Quality figures of the last runs"),
    "scores": ("점수 분포", "Scores"),
    "score_plot": (
        "상호 점수 분포. 점선: 중앙값, 윤곽선: 지난 공개본",
        "Mutual scores; dashed: median, outline: the snapshot before",
    ),
    "quantile": ("분위", "Quantile"),
    "by_category": ("카테고리별", "By category"),
    "by_block": ("블록별 도달률", "Coverage by block"),
    "block": ("블록", "Block"),
    "smaller_blocks": ("더 작은 블록들", "smaller blocks"),
    "with_match": ("매칭 있음", "With a match"),
    "exposure": ("노출", "Exposure"),
    "lorenz_plot": (
        "가로: 덜 노출된 사용자부터의 비율, 세로: 그들이 차지하는 목록 자리. 점선: 고른 경우",
        "Across: users, the least listed first; up: their share of all places on lists. "
        "Dashed: all alike",
    ),
    "most_exposed": ("가장 많이 노출된 사용자", "Most exposed users"),
    "user": ("사용자 ID", "User id"),
    "lists": ("오른 목록 수", "On so many lists"),
    "texts": ("글", "Texts"),
    "origin": ("출처", "Origin"),
    "model": ("모델(이번 실행)", "model, this run"),
    "reused": ("모델(재사용)", "model, reused"),
    "template": ("템플릿", "template"),
    "written": ("모델", "model"),
    "text_language": ("언어", "Language"),
    "failed_checks": ("통과하지 못한 검사", "Failed checks"),
    "check": ("검사", "Check"),
    "times": ("횟수", "Times"),
    "none_failed": ("실패한 검사가 없습니다.", "No check failed."),
    "model_failed": (
        "언어 모델이 멈춰 템플릿이 이어받았습니다. 로그를 확인하세요.",
        "The language model failed and the template voice took over; see the log.",
    ),
    "candidates": ("모델 후보 글", "Candidates by the model"),
    "accepted": ("채택", "Accepted"),
    "prompt_tokens": ("입력 토큰", "Prompt tokens"),
    "output_tokens": ("출력 토큰", "Output tokens"),
    "cached_tokens": ("프리픽스 캐시에서 온 토큰", "Of these from the prefix cache"),
    "prefix_hits": ("프리픽스 캐시 적중률", "Prefix-cache hits"),
    "retried": ("다시 쓴 글", "Written again"),
    "bios_cut": ("줄인 자기소개", "Bios cut to length"),
    "generating_seconds": ("생성 시간(초)", "Seconds generating"),
    "engine_restarts": ("엔진 재시작", "Engine restarts"),
    "left_to_template": ("템플릿이 쓴 이유", "Why the template wrote"),
    "quarantine": ("격리 사유", "Quarantine by reason"),
    "none_quarantined": ("격리된 행이 없습니다.", "No row was quarantined."),
    "field": ("필드", "Field"),
    "reason": ("사유", "Reason"),
    "rows": ("행", "Rows"),
    "footer": (
        "다른 파일이나 네트워크 없이 열립니다. 사용자 ID 외의 프로필 내용은 담지 않습니다.",
        "This file needs no other and no network. Of profiles it holds user ids only.",
    ),
    # why the gate did not judge, or what to look at
    "why.first_run": (
        "비교할 공개본이 없습니다. 다음 실행은 이번 실행과 비교됩니다",
        "nothing was published before: the next run is compared with this one",
    ),
    "why.policy_changed": (
        "정책이 바뀌어 목록의 종류가 다릅니다",
        "the policy has changed since: its lists are of another kind",
    ),
    "why.model_changed": (
        "임베딩 모델이 바뀌어 점수의 종류가 다릅니다",
        "the embedding model has changed since: its scores are of another kind",
    ),
    "why.few_users": (
        "사용자가 너무 적어 비율을 판정하지 않습니다", "so few users are told, not judged"
    ),
    "why.few_candidates": (
        "모델이 쓴 글이 너무 적어 판정하지 않습니다", "too few texts by the model to judge"
    ),
    "why.nothing": ("잴 것이 없습니다", "there is nothing to measure"),
    "why.coverage": (
        "[policy.eligibility] 또는 필드가 빠진 원본을 확인하세요",
        "look for a wrong [policy.eligibility] or a source that lost a field",
    ),
    "why.users_lost": ("원본이 온전한지 확인하세요", "look whether the source is whole"),
    "why.churn": ("원본에서 무엇이 바뀌었는지 확인하세요", "look at what changed in the source"),
    "why.score_shift": (
        "원본에서 무엇이 바뀌었는지 확인하세요", "look at what changed in the source"
    ),
    "why.quarantined": (
        "quarantine.parquet에서 원본의 달라진 점을 확인하세요",
        "look into quarantine.parquet for what the source does differently",
    ),
    "why.grounded": (
        "실패한 검사와 언어 모델을 확인하세요",
        "look at the failed checks, and whether the language model fits",
    ),
}  # fmt: skip
