# The interface texts in English. ko.ftl has the same keys with the same variables.

## Shared by the console and the reports

common_language = Language
common_users = Users
common_policy = Policy
common_embedding_model = Embedding model
common_language_model = Language model
common_no_language_model = none (template)
common_matches = Matches
common_explanations = Explanations
common_combined_arithmetic = the arithmetic mean of the two directional scores
common_combined_geometric = the geometric mean of the two directional scores
common_combined_harmonic = the harmonic mean of the two directional scores
common_combined_minimum = the lower of the two directional scores

## The console: every page

console_skip = Skip to content
console_menu = Menu
console_overview = Overview
console_user_id = User id
console_find = Find
console_read_only = This console only reads. It changes nothing.
console_user = User { $id }

## The console: signing in

console_sign_in = Sign in
console_sign_out = Sign out
console_sign_in_intro = Enter one of this server's API keys. It is not stored, and you are signed out after 30 minutes without use.
console_api_key = API key
console_wrong_key = This server does not accept that key. Check it and try again.
console_too_many = Too many attempts. Try again in { $seconds } s.
console_foreign_form = A sign-in sent by another site is not accepted. Sign in on this page.

## The console: a user's lists

console_categories = Kinds of match
console_no_matches = Nobody to show in this category: no one is eligible, or all were blocked or removed.
console_pending_title = Waiting for the next run
console_pending = User { $id } was accepted after the served snapshot was made. The next run makes their lists.
console_run_now = To compute them now
console_matches_of = Matches: { $category }
console_legend = What the score is made of (weight)
console_mutual = Mutual score
console_mutual_short = mutual
console_user_looks = { $user } looking at the other
console_user_is_seen = The other looking at { $user }
console_rank = Rank
console_why = Why
console_why_of = Why users { $user } and { $other } were matched
console_next_page = Next page
console_first_page = First page
console_no_explanation = No explanation made ahead of time
console_origin_model = by the model
console_origin_template = by template

## The console: why

console_on_list = Rank { $rank } on { $owner }'s list
console_not_on_list = Not on { $owner }'s list
console_score = Score
console_how_combined = The mutual score is { $how }.
console_looks_at = { $user } looking at { $other }
console_breakdown = Breakdown
console_breakdown_note = A bar is a term's weighted contribution; the pale part is the most it could add: its weight.
console_term = Term
console_weight = Weight
console_sum = Sum
console_profile_text = the whole profile
console_explanation = Explanation
console_reasons = Facts that it states
console_reason_shared = Shared { $field }
console_reason_same = Same { $field }
console_reason_near = Close { $field }
console_reason_wish = Wish met ({ $field })
console_reason_pairing = { $field } pairing
console_made_by = What made this record
console_other_side = See it from the other side
console_back_to_lists = Back to { $id }'s lists

## The console: what is served

console_served = Served now
console_state_healthy = Healthy
console_state_attention = Needs attention
console_state_unavailable = Unavailable
console_all_well = The published snapshot is the one that is served.
console_snapshot = Snapshot
console_made = Made
console_intake = Intake
console_folded = up to event { $n }

## The console: runs

console_runs = Run history
console_no_runs = No run so far.
console_run = Run
console_outcome = Outcome
console_quarantined = Quarantined
console_seconds = Took
console_report = Report
console_report_of = Report of { $run }
console_is_current = served
console_outcome_published = published
console_outcome_held = held back
console_outcome_failed = failed
console_forced = published by a person although the gate held it
console_coverage = Coverage
console_go_back = Going back to an older snapshot
console_go_back_note = Run one of these on the server; the snapshot is served within a second. A click selects the whole line.
console_nothing_older = No older snapshot is kept to go back to.
console_publish_held = Publishing a snapshot that was held back
console_publish_held_note = Only after a look at its report and the reason.

## The console: time

console_just_now = just now
console_minutes_ago = { $n } min ago
console_hours_ago = { $n } h ago
console_days_ago = { $n } d ago

## The console: what goes wrong

console_unknown_user_title = No such user
console_unknown_user = Nobody with this id: never registered, or removed.
console_unknown_match_title = Not a match
console_unknown_match = These two are on neither's list now: never matched, blocked, or waiting for the next run.
console_expired_title = A newer snapshot is served
console_expired = This page is of an older snapshot. Begin the list again.
console_bad_id_title = Not a user id
console_bad_id = A user id is a whole number, { $minimum } or more.
console_bad_address_title = This address does not work
console_bad_address = Part of the address is not valid. Find a user above to begin again.
console_no_page_title = No such page
console_no_page = There is nothing at this address.
console_no_report_title = No report
console_no_report = The snapshot of this run is no longer kept, or it left no report.
console_nothing_served_title = No snapshot can be served
console_nothing_served = The overview says why.

## The report of a run: the head

report_report = Run report
report_ended = Ended
report_within = Within the limits
report_outside = Outside the limits
report_outside_note = Quality figures are outside the limits below, so this run is held and not published. The snapshot before it is still served.
report_publish_hint = To publish it after checking it:

## The report of a run: figures

report_quarantined = Quarantined rows
report_pairs = Eligible pairs
report_coverage = Coverage
report_coverage_note = users with at least one match
report_reciprocity = Reciprocity
report_reciprocity_note = share of matches that are on both lists
report_gini = Exposure Gini
report_gini_note = 0: everyone is on equally many lists, 1: one user is on all of them
report_churn = List churn
report_churn_note = mean share of a list that changed since the last published snapshot
report_users_lost = Users lost
report_users_new = New users
report_new = new
report_gone = gone
report_took = Run time
report_score_shift = Score shift
report_grounded = Grounded model texts
report_on_no_list = Users on no list
report_mean = Mean
report_median = Median
report_all_categories = All
report_category = Category

## The report of a run: sections

report_gate = The gate
report_gate_note = The policy's limits. A snapshot with a figure outside them is held.
report_figure = Figure
report_found = Value
report_limit = Limit
report_at_least = at least
report_at_most = at most
report_verdict_ok = within
report_verdict_outside = outside
report_verdict_not_judged = not judged
report_runs = Compared with the last runs
report_counts = Counts
report_this_run = This run
report_last_published = Last published
report_change = Change
report_seconds = Seconds by stage
report_stage = Stage
report_usual = Usual (median)
report_all_stages = All
report_seconds_plot = Seconds by stage of the last runs. ×: not published
report_quality_plot = Quality figures of the last runs
report_scores = Scores
report_score_plot = Distribution of mutual scores. Dashed: median, outline: last published snapshot
report_by_category = By category
report_by_block = Coverage by block
report_block = Block
report_smaller_blocks = smaller blocks
report_exposure = Exposure
report_lorenz_plot = Horizontal: share of users, those on the fewest lists first. Vertical: their share of all list entries. Dashed: equal exposure
report_most_exposed = Most exposed users
report_user = User id
report_lists = Lists
report_texts = Texts
report_origin = Origin
report_origin_model = model, this run
report_origin_reused = model, reused
report_origin_template = template
report_text_model = model
report_failed_checks = Failed checks
report_check = Check
report_times = Times
report_none_failed = No check failed.
report_model_failed = The language model failed and the template voice took over; see the log.
report_candidates = Candidate texts by the model
report_accepted = Accepted
report_prompt_tokens = Prompt tokens
report_output_tokens = Output tokens
report_cached_tokens = Prompt tokens from the prefix cache
report_prefix_hits = Hit rate of the prefix cache
report_retried = Retried texts
report_bios_cut = Bios cut to length
report_generating_seconds = Seconds generating
report_engine_restarts = Engine restarts
report_left_to_template = Why the template voice wrote a text
report_quarantine = Quarantine by reason
report_none_quarantined = No row was quarantined.
report_field = Field
report_reason = Reason
report_rows = Rows
report_footer = This page needs no other file and no network. Of the profiles it contains only user ids.

## The report of a run: why the gate did not judge, or what to look at

report_why_first_run = no snapshot was published before: the next run is compared with this one
report_why_policy_changed = the policy has changed since, so the lists cannot be compared
report_why_model_changed = the embedding model has changed since, so the scores cannot be compared
report_why_few_users = too few users to judge shares ([policy.gate] smallest)
report_why_few_candidates = too few texts by the model to judge ([policy.gate] smallest_candidates)
report_why_nothing = there is nothing to measure
report_why_coverage = check [policy.eligibility], and whether the source lost a field
report_why_users_lost = check whether the source is complete
report_why_churn = check what changed in the source
report_why_score_shift = check what changed in the source
report_why_quarantined = see quarantine.parquet for the rows and their reasons
report_why_grounded = look at the failed checks and the language model
