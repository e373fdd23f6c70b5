# The interface texts in Korean. en.ftl has the same keys with the same variables.
# A marker such as 은(는) or 이(가) becomes the particle that fits the word before it.

## Shared by the console and the reports

common_language = 언어
common_users = 사용자
common_policy = 정책
common_embedding_model = 임베딩 모델
common_language_model = 언어 모델
common_no_language_model = 없음 (템플릿)
common_matches = 매칭
common_explanations = 설명
common_combined_arithmetic = 두 방향 점수의 산술평균
common_combined_geometric = 두 방향 점수의 기하평균
common_combined_harmonic = 두 방향 점수의 조화평균
common_combined_minimum = 두 방향 점수 가운데 낮은 값

## The console: every page

console_skip = 본문으로 건너뛰기
console_menu = 메뉴
console_overview = 현황
console_user_id = 사용자 번호
console_find = 찾기
console_read_only = 이 콘솔은 읽기만 합니다. 아무것도 바꾸지 않습니다.
console_user = 사용자 { $id }

## The console: signing in

console_sign_in = 로그인
console_sign_out = 로그아웃
console_sign_in_intro = 이 서버의 API 키를 입력하세요. 키는 저장되지 않으며, 30분 동안 사용하지 않으면 로그아웃됩니다.
console_api_key = API 키
console_wrong_key = 이 서버가 받지 않는 키입니다. 키를 확인해 주세요.
console_too_many = 시도가 너무 많았습니다. { $seconds }초 뒤에 다시 시도하세요.
console_foreign_form = 다른 사이트에서 온 로그인은 받지 않습니다. 이 페이지에서 다시 로그인하세요.

## The console: a user's lists

console_categories = 매칭 종류
console_no_matches = 이 종류에는 보여 줄 상대가 없습니다. 만날 수 있는 상대가 없거나 차단·탈퇴로 빠졌습니다.
console_pending_title = 다음 실행을 기다리는 중
console_pending = 사용자 { $id }의 등록은 접수되었지만 지금 제공 중인 스냅샷보다 최근 것입니다. 다음 실행 뒤에 목록이 생깁니다.
console_run_now = 바로 반영하려면
console_matches_of = { $category } 매칭
console_legend = 점수 구성 (가중치)
console_mutual = 상호 점수
console_mutual_short = 상호
console_user_looks = { $user }이(가) 보는 상대
console_user_is_seen = 상대가 보는 { $user }
console_rank = 순위
console_why = 근거 보기
console_why_of = 사용자 { $user }과(와) { $other }의 매칭 근거
console_next_page = 다음 쪽
console_first_page = 첫 쪽
console_no_explanation = 미리 만들어 둔 설명 없음
console_origin_model = 모델 작성
console_origin_template = 템플릿 작성

## The console: why

console_on_list = { $owner }의 목록에서 { $rank }위
console_not_on_list = { $owner }의 목록에는 없음
console_score = 점수
console_how_combined = 상호 점수는 { $how }입니다.
console_looks_at = { $user }이(가) 보는 { $other }
console_breakdown = 점수 구성
console_breakdown_note = 막대는 가중치를 곱한 기여도이고, 옅은 부분은 그 항목이 더할 수 있는 최댓값(가중치)입니다.
console_term = 항목
console_weight = 가중치
console_sum = 합계
console_profile_text = 프로필 전체
console_explanation = 설명
console_reasons = 근거가 된 사실
console_reason_shared = 공통 { $field }
console_reason_same = 같은 { $field }
console_reason_near = 비슷한 { $field }
console_reason_wish = 바라는 점 충족 ({ $field })
console_reason_pairing = { $field } 궁합
console_made_by = 이 기록을 만든 것
console_other_side = 상대 쪽에서 보기
console_back_to_lists = { $id }의 목록으로

## The console: what is served

console_served = 지금 제공 중
console_state_healthy = 정상
console_state_attention = 확인 필요
console_state_unavailable = 제공 불가
console_all_well = 게시된 스냅샷이 그대로 제공되고 있습니다.
console_snapshot = 스냅샷
console_made = 만든 시각
console_intake = 접수
console_folded = { $n }번 이벤트까지 반영

## The console: runs

console_runs = 실행 이력
console_no_runs = 아직 실행 기록이 없습니다.
console_run = 실행
console_outcome = 결과
console_quarantined = 격리
console_seconds = 소요
console_report = 리포트
console_report_of = { $run } 리포트
console_is_current = 제공 중
console_outcome_published = 게시됨
console_outcome_held = 게시 보류
console_outcome_failed = 실패
console_forced = 사람이 강제로 게시함
console_coverage = 매칭된 비율
console_go_back = 이전 스냅샷으로 되돌리기
console_go_back_note = 서버에서 아래 명령을 실행하면 1초 안에 그 스냅샷이 제공됩니다. 줄을 누르면 전체가 선택됩니다.
console_nothing_older = 되돌아갈 이전 스냅샷이 없습니다.
console_publish_held = 보류된 스냅샷 게시하기
console_publish_held_note = 리포트에서 이유를 확인한 뒤에만 실행하세요.

## The console: time

console_just_now = 방금
console_minutes_ago = { $n }분 전
console_hours_ago = { $n }시간 전
console_days_ago = { $n }일 전

## The console: what goes wrong

console_unknown_user_title = 사용자를 찾을 수 없음
console_unknown_user = 이 번호의 사용자는 등록된 적이 없거나 삭제되었습니다.
console_unknown_match_title = 매칭이 아님
console_unknown_match = 두 사용자는 지금 서로의 목록에 없습니다. 매칭된 적이 없거나, 차단했거나, 다음 실행을 기다리고 있습니다.
console_expired_title = 새 스냅샷이 게시됨
console_expired = 이 페이지는 이전 스냅샷의 것입니다. 목록을 처음부터 다시 보세요.
console_bad_id_title = 사용자 번호가 아님
console_bad_id = 사용자 번호는 { $minimum } 이상의 정수입니다.
console_bad_address_title = 잘못된 주소
console_bad_address = 주소의 일부가 올바르지 않습니다. 위에서 사용자를 찾아 다시 시작하세요.
console_no_page_title = 없는 페이지
console_no_page = 이 주소에는 아무것도 없습니다.
console_no_report_title = 리포트 없음
console_no_report = 이 실행의 스냅샷이 더 이상 없거나 리포트를 남기지 않았습니다.
console_nothing_served_title = 제공할 스냅샷이 없음
console_nothing_served = 현황 페이지에 이유가 있습니다.

## The report of a run: the head

report_report = 실행 리포트
report_ended = 끝난 시각
report_within = 기준 통과
report_outside = 기준 벗어남
report_outside_note = 아래 기준을 벗어나 공개되지 않고 따로 보관되었습니다. 이전 스냅샷이 계속 서비스됩니다.
report_publish_hint = 살펴본 뒤 공개하려면:

## The report of a run: figures

report_quarantined = 격리된 행
report_pairs = 가능한 쌍
report_coverage = 도달률
report_coverage_note = 매칭이 하나라도 있는 사용자의 비율
report_reciprocity = 상호성
report_reciprocity_note = 내 목록의 상대도 나를 목록에 가진 비율
report_gini = 노출 지니
report_gini_note = 0 = 고르게 노출, 1 = 한 사람에게 집중
report_churn = 목록 변화율
report_churn_note = 지난 공개본과 달라진 목록의 평균 비율
report_users_lost = 사라진 사용자
report_users_new = 새 사용자
report_new = 새로
report_gone = 사라짐
report_took = 걸린 시간
report_score_shift = 점수 이동
report_grounded = 사실로 확인된 모델 글
report_on_no_list = 어느 목록에도 없는 사용자
report_mean = 평균
report_median = 중앙값
report_all_categories = 전체
report_category = 카테고리

## The report of a run: sections

report_gate = 공개 기준
report_gate_note = 정책의 하한과 상한입니다. 벗어난 스냅샷은 공개되지 않습니다.
report_figure = 지표
report_found = 값
report_limit = 기준
report_at_least = 최소
report_at_most = 최대
report_verdict_ok = 통과
report_verdict_outside = 벗어남
report_verdict_not_judged = 판정 안 함
report_runs = 지난 실행과 비교
report_counts = 수량
report_this_run = 이번
report_last_published = 지난 공개본
report_change = 변화
report_seconds = 단계별 시간(초)
report_stage = 단계
report_usual = 보통(중앙값)
report_all_stages = 전체
report_seconds_plot = 최근 실행의 단계별 시간(초). ×: 공개되지 않은 실행
report_quality_plot = 최근 실행의 품질 지표
report_scores = 점수 분포
report_score_plot = 상호 점수 분포. 점선: 중앙값, 윤곽선: 지난 공개본
report_by_category = 카테고리별
report_by_block = 블록별 도달률
report_block = 블록
report_smaller_blocks = 더 작은 블록들
report_exposure = 노출
report_lorenz_plot = 가로: 덜 노출된 사용자부터의 비율, 세로: 그들이 차지하는 목록 자리. 점선: 고른 경우
report_most_exposed = 가장 많이 노출된 사용자
report_user = 사용자 ID
report_lists = 목록 수
report_texts = 글
report_origin = 출처
report_origin_model = 모델(이번 실행)
report_origin_reused = 모델(재사용)
report_origin_template = 템플릿
report_text_model = 모델
report_failed_checks = 통과하지 못한 검사
report_check = 검사
report_times = 횟수
report_none_failed = 실패한 검사가 없습니다.
report_model_failed = 언어 모델이 멈춰 템플릿이 이어받았습니다. 로그를 확인하세요.
report_candidates = 모델 후보 글
report_accepted = 채택
report_prompt_tokens = 입력 토큰
report_output_tokens = 출력 토큰
report_cached_tokens = 프리픽스 캐시에서 온 토큰
report_prefix_hits = 프리픽스 캐시 적중률
report_retried = 다시 쓴 글
report_bios_cut = 줄인 자기소개
report_generating_seconds = 생성 시간(초)
report_engine_restarts = 엔진 재시작
report_left_to_template = 템플릿이 쓴 이유
report_quarantine = 격리 사유
report_none_quarantined = 격리된 행이 없습니다.
report_field = 필드
report_reason = 사유
report_rows = 행
report_footer = 다른 파일이나 네트워크 없이 열립니다. 사용자 ID 외의 프로필 내용은 담지 않습니다.

## The report of a run: why the gate did not judge, or what to look at

report_why_first_run = 비교할 공개본이 없습니다. 다음 실행은 이번 실행과 비교됩니다
report_why_policy_changed = 정책이 바뀌어 목록의 종류가 다릅니다
report_why_model_changed = 임베딩 모델이 바뀌어 점수의 종류가 다릅니다
report_why_few_users = 사용자가 너무 적어 비율을 판정하지 않습니다 ([policy.gate] smallest)
report_why_few_candidates = 모델이 쓴 글이 너무 적어 판정하지 않습니다 ([policy.gate] smallest_candidates)
report_why_nothing = 잴 것이 없습니다
report_why_coverage = [policy.eligibility] 또는 필드가 빠진 원본을 확인하세요
report_why_users_lost = 원본이 온전한지 확인하세요
report_why_churn = 원본에서 무엇이 바뀌었는지 확인하세요
report_why_score_shift = 원본에서 무엇이 바뀌었는지 확인하세요
report_why_quarantined = quarantine.parquet에서 원본의 달라진 점을 확인하세요
report_why_grounded = 실패한 검사와 언어 모델을 확인하세요
