//! What every [`Store`] does, as tests. [`contract_suite!`](crate::contract_suite) runs them against an adapter.
#![expect(clippy::unwrap_used, reason = "tests")]
#![expect(missing_docs, reason = "the names of tests are their descriptions")]

use std::{any::Any, collections::BTreeMap, fmt, sync::Arc, time::Duration};

use domain::{
    About, Alias, AnalysisSection, Apart, AreaBasis, AreaVerdict, Budget, CallFacts, Channel,
    Claimed, ConnectionName, DetailsAnswer, DetailsSection, DispatchSection, DispatchState, Engine,
    Facts, Intent, LeadRequest, News, NoDetails, NotificationsSection, OfficeId, Outcome,
    ProjectType, QualificationSection, Reading, RemoteIds, RequestId, Section, Sentiment,
    SettleResult, SourceId, SpamGate, Stage, TenantId, Timeline, Wake, Wanted, WorkRow,
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{Accepted, AuditAction, AuditQuery, Delivery, RequestView, Store};

pub mod accept;
pub mod bookings;
pub mod calls;
pub mod claims;
pub mod configs;
pub mod connections;
pub mod deliveries;
pub mod effects;
pub mod figures;
pub mod finding;
pub mod handles;
pub mod isolation;
pub mod jobs;
pub mod lists;
pub mod live;
pub mod offices;
pub mod people;
pub mod persons;
pub mod places;
pub mod requests;
pub mod rolling;
pub mod security;
pub mod settle;
pub mod sources;
pub mod sweeps;
pub mod wakes;

/// A store under test, and its clock.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Moves the store's clock on, or waits.
    pub advance: Box<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>,
    /// The store's time.
    pub now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// Begins every tenant's id and every account: subjects that share a database have different ones.
    pub scope: String,
    /// Writes rows as another build would: runs a statement, and returns how many rows it changed. The statements are
    /// Spanner's; an adapter of another dialect rewrites `JSON '…'` literals, and leaves out the column `shard`.
    pub sql: Box<dyn Fn(String) -> BoxFuture<'static, u64> + Send + Sync>,
    /// Whatever must outlive the store.
    pub guard: Box<dyn Any + Send + Sync>,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Expands to modules of `#[tokio::test]`s. `$make` is the path of an async function without parameters that gives a
/// [`Subject`](crate::contract::Subject), or none where there is nothing to test against: then it says why.
#[macro_export]
macro_rules! contract_suite {
    ($make:path) => {
        mod store_contract {
            use super::*;
            $crate::contract_suite!(@tests $make; accept:
                a_first_delivery_becomes_a_request_with_its_first_step,
                a_request_can_wait_for_a_later_event,
                an_addition_makes_no_request_by_itself,
                what_a_company_wrote_first_is_the_beginning_of_the_conversation,
                a_conversation_that_is_read_late_is_whole,
                a_conversation_is_one_whichever_of_its_names_is_told,
                a_hundred_equal_deliveries_at_once_become_one,
                equal_deliveries_at_once_stay_with_their_tenants,
                a_repeated_delivery_is_accepted_and_stored_once,
                a_delivery_id_tells_repeats_whatever_the_body,
                the_same_body_for_another_event_is_no_repeat,
                equal_news_at_two_urls_are_one_delivery,
                two_canonical_ids_are_two_requests,
                a_later_event_updates_the_request_that_it_names,
                an_older_body_that_comes_again_asks_the_provider,
                what_was_posted_last_holds_though_it_was_posted_before,
                a_request_is_found_by_any_of_its_names,
                names_of_another_kind_or_provider_are_other_things,
                names_by_circumstances_join_no_deliveries,
                ids_of_one_sender_are_nothing_of_anothers,
                what_was_stored_under_ids_of_everybody_is_found_by_its_sender,
                a_name_that_several_people_have_makes_one_request_of_each,
                an_id_that_two_senders_gave_two_people_makes_two_requests,
                one_delivery_that_names_two_requests_merges_them,
                three_requests_become_one,
                the_request_that_was_dispatched_goes_on,
                two_requests_that_were_dispatched_stay_apart,
                an_ignored_event_is_stored_without_a_request,
                an_unreadable_delivery_is_parked_in_reading,
                a_receipt_concludes_an_open_effect,
                a_receipt_for_nothing_of_ours_is_only_stored,
                a_mail_that_will_not_arrive_reaches_its_request,
            );
            $crate::contract_suite!(@tests $make; claims:
                a_claim_needs_the_rows_token,
                a_row_is_claimed_once,
                a_row_is_not_claimed_before_it_is_due,
                an_ended_lease_lets_another_claim,
                a_first_claim_shows_that_the_request_is_worked_on,
                a_claim_carries_the_offices_configuration,
                twenty_claims_without_a_settle_park_the_row,
                a_lease_is_renewed_only_with_the_claims_token,
                rows_at_work_do_not_hide_what_else_is_due,
            );
            $crate::contract_suite!(@tests $make; settle:
                done_writes_the_section_and_the_next_step,
                a_stale_settle_writes_nothing,
                a_repeated_settle_is_stale,
                an_ended_lease_can_be_settled_until_it_is_claimed,
                a_worker_of_an_earlier_row_of_the_step_is_stale,
                a_wait_is_due_later_and_counted,
                a_wait_ends_at_its_deadline,
                news_while_a_step_waits_makes_it_due_now,
                news_while_a_step_runs_makes_it_run_again,
                failures_walk_the_lanes,
                a_setting_of_three_attempts_parks_the_third_failure,
                a_settle_claims_the_step_that_is_wanted,
                a_providers_wish_is_kept,
                a_parked_step_waits_for_a_person,
                learned_names_find_the_request,
                a_learned_name_of_another_request_merges_them,
                a_merge_moves_records_and_stops_the_others_work,
                a_merge_with_nothing_asks_a_person,
                records_are_kept_whatever_the_outcome,
                several_destinations_make_one_notification,
                a_request_ends_with_nothing_left_to_do,
            );
            $crate::contract_suite!(@tests $make; wakes:
                a_new_row_is_scanned_after_ten_seconds,
                a_claimed_row_is_scanned_when_its_lease_ends,
                a_settled_row_is_scanned_when_it_is_due,
                held_and_parked_rows_are_not_scanned,
                only_one_relay_moves_a_wake,
                only_what_moved_is_published,
                a_backlog_does_not_feed_itself,
                a_scan_is_limited_for_each_tenant,
                a_full_scan_takes_every_tenants_first,
                due_work_is_one_tenants_and_one_stages,
                every_stage_of_every_tenant_is_scanned,
            );
            $crate::contract_suite!(@tests $make; effects:
                an_effect_is_begun_once,
                an_effect_that_is_done_stays_done,
                a_refused_effect_can_be_begun_again,
                a_late_refusal_does_not_reopen_what_another_began_again,
                an_unknown_effect_is_begun_again_only_on_demand,
                an_effect_that_was_given_up_is_not_begun_blindly,
                a_stale_claim_begins_nothing,
                an_intent_renews_the_lease_past_the_call,
                the_end_of_an_effect_that_nobody_intended_is_not_kept,
            );
            $crate::contract_suite!(@tests $make; handles:
                a_tenant_is_created_once_and_suspended,
                a_source_has_two_keys_at_most_and_one_at_least,
                an_update_of_a_source_is_of_one_version,
                a_source_is_created_once_and_for_a_tenant,
                a_first_secret_releases_what_waited_for_it,
                a_verdict_lets_a_request_go_on_once,
                who_should_be_called_is_counted_and_found,
                two_verdicts_at_once_are_one,
                stopped_work_is_listed_by_reason,
                what_is_redriven_runs_again_every_time,
                a_redrive_reaches_no_other_tenants_work,
                a_replay_runs_a_stage_again,
                the_audit_log_is_a_chain_of_what_was_done,
            );
            $crate::contract_suite!(@tests $make; lists:
                every_filter_of_stopped_work_finds_what_agrees,
                every_filter_of_refusals_finds_what_agrees,
                every_filter_of_the_audit_log_finds_what_agrees,
            );
            $crate::contract_suite!(@tests $make; connections:
                a_connection_begins_at_version_one,
                changing_settings_keeps_version_and_state,
                a_refused_secret_holds_the_step_and_marks_the_connection,
                a_hold_with_an_older_secret_runs_now,
                an_older_refusal_does_not_mark_a_newer_secret,
                replacing_a_secret_releases_exactly_what_is_held_for_it,
                a_new_secret_changes_only_the_settings_it_brings,
                a_connection_that_is_not_there_is_not_replaced,
            );
            $crate::contract_suite!(@tests $make; bookings:
                bookings_of_one_host_at_one_time_are_found,
                a_booking_that_is_moved_or_called_off_leaves_its_time,
                a_booking_that_was_looked_at_is_looked_at_again,
                a_long_booking_reaches_into_later_ones,
            );
            $crate::contract_suite!(@tests $make; places:
                what_a_map_said_is_kept_for_its_tenant,
                coordinates_are_forgotten_within_a_month_and_nothing_within_a_day,
            );
            $crate::contract_suite!(@tests $make; persons:
                a_person_is_found_by_number_then_by_address,
                the_number_wins_over_the_address,
                a_request_without_identity_is_its_own_person,
                asking_again_answers_the_same_person,
                later_identities_are_remembered,
                a_person_that_is_asked_for_at_once_is_one,
                requests_of_one_person_are_linked_on_both_sides,
                a_number_that_was_corrected_links_no_longer,
                a_number_that_somebody_gave_by_mistake_is_not_theirs,
                a_request_outside_the_window_is_not_linked,
                what_several_people_share_links_nobody,
                what_was_taken_apart_stays_apart,
            );
            $crate::contract_suite!(@tests $make; offices:
                a_tenant_is_created_and_changed,
                a_configurations_version_grows_only_with_a_change,
                a_configuration_that_is_not_valid_is_refused,
                an_office_is_not_removed_while_something_leads_to_it,
                an_office_is_not_removed_while_a_request_of_it_is_under_way,
                a_removed_office_is_listed_no_more_and_its_requests_keep_it,
                offices_are_listed_as_they_were_created,
            );
            $crate::contract_suite!(@tests $make; configs:
                a_change_adds_a_version,
                an_equal_configuration_adds_no_version,
                settings_of_a_source_have_versions_of_their_own,
                a_mapping_has_versions_of_its_own,
                a_change_of_an_older_version_is_told_the_newest,
                of_changes_at_once_one_is_taken,
                the_newest_of_each_name_is_listed,
                a_history_is_walked_newest_first,
                a_fault_is_named_and_nothing_is_written,
                a_configuration_is_its_tenants_own,
            );
            $crate::contract_suite!(@tests $make; rolling:
                an_unknown_stage_takes_no_share_of_a_scan,
                an_unknown_stage_survives_a_settle,
                an_unknown_state_is_left_alone,
                an_unknown_state_of_an_effect_stops_no_other,
                a_step_waits_for_a_request_that_cannot_be_read,
                an_unknown_park_cause_hides_from_lists_alone,
                an_unknown_status_is_shown_until_the_next_settle,
                a_newer_documents_sections_survive,
                an_older_document_is_worked_on,
                a_newer_document_waits_for_its_build,
                a_newer_document_breaks_no_list,
                a_newer_document_stays_held_and_parked,
                an_unknown_setting_stops_nobody,
                an_unreadable_setting_stops_its_tenant_alone,
            );
            $crate::contract_suite!(@tests $make; sources:
                a_source_is_found_by_its_token_and_its_accounts,
                a_changed_source_is_found_by_what_it_has_now,
                a_suspended_tenants_sources_are_not_found,
                a_disabled_source_is_not_found,
                a_source_names_the_connection_of_its_api,
                an_account_belongs_to_one_source,
                a_token_belongs_to_one_source,
                the_same_account_at_another_provider_is_another,
                the_last_test_of_a_source_is_kept_beside_it,
                each_version_of_a_source_is_kept,
            );
            $crate::contract_suite!(@tests $make; sweeps:
                a_sweep_is_made_once_and_claimed_by_one,
                an_earlier_owner_of_a_sweep_writes_nothing,
                a_sweep_is_due_when_its_owner_says,
                lines_are_replaced_and_stay_with_their_tenant,
                names_that_lead_to_a_request_are_known,
                an_account_has_no_more_requests_than_its_quota,
            );
            $crate::contract_suite!(@tests $make; people:
                an_invitation_makes_a_member_once,
                an_invitation_lasts_a_week_and_can_be_withdrawn,
                an_invitation_takes_nothing_from_a_member,
                what_is_decided_about_a_member_ends_their_invitations,
                of_two_uses_of_a_code_at_once_one_is_refused,
                a_proven_address_accepts_its_invitations,
                a_link_signs_in_who_is_known,
                a_console_code_is_gone_after_a_restart,
                the_last_administrator_of_a_tenant_stays,
                people_are_walked_by_pages,
                a_session_goes_on_with_each_new_secret,
                a_secret_used_again_ends_the_session,
                a_session_ends_when_nobody_uses_it,
                sessions_are_listed_and_ended_by_their_person,
                an_issuers_token_stays_with_its_session,
                an_api_key_is_found_until_it_is_gone,
                an_api_keys_use_is_noted_once_a_minute,
                preferences_are_one_persons,
                a_view_is_its_owners_until_it_is_shared,
                private_views_are_in_nobodys_way,
                people_and_keys_stay_with_their_tenant,
            );
            $crate::contract_suite!(@tests $make; requests:
                pages_walk_each_request_once_the_newest_first,
                a_page_holds_only_the_status_asked_for,
                a_page_has_at_least_one_and_at_most_two_hundred,
                a_view_shows_the_timeline_in_order,
                a_view_shows_records_in_order,
                a_merged_request_leads_to_the_one_that_goes_on,
                a_request_that_is_not_there_is_none,
                a_requests_channel_has_a_column,
            );
            $crate::contract_suite!(@tests $make; finding:
                a_filter_finds_what_agrees_with_all_of_it,
                every_order_shows_each_request_once,
                a_walk_beside_changes_shows_each_request_once,
                words_and_numbers_are_found_in_every_form,
                a_change_is_found_at_once,
                days_are_found_by_when_a_request_came,
                another_tenants_requests_are_not_found,
                what_cannot_be_read_breaks_no_search,
            );
            $crate::contract_suite!(@tests $make; security:
                refusals_of_one_minute_are_counted_together,
                the_newest_refusals_come_first,
                the_oldest_refusals_are_removed_first,
                a_check_passes_and_leaves_nothing_behind,
            );
            $crate::contract_suite!(@tests $make; deliveries:
                deliveries_are_walked_newest_first,
                deliveries_are_found_by_what_became_of_them,
                a_replayed_delivery_is_read_by_its_request,
                an_outranked_delivery_is_not_replayed,
                a_delivery_that_was_not_used_makes_one_request,
                another_tenants_delivery_is_neither_seen_nor_replayed,
                refusals_are_walked_by_tenant,
            );
            $crate::contract_suite!(@tests $make; calls:
                a_call_is_answered_once_and_remembered,
                a_call_is_its_callers_and_its_tenants_own,
                a_call_without_an_answer_begins_anew,
                of_two_equal_calls_at_once_one_begins,
            );
            $crate::contract_suite!(@tests $make; figures:
                figures_equal_an_oracle_after_a_random_run,
                several_fold_figures_at_once,
                figures_are_their_tenants_own,
                what_an_older_build_changed_is_counted_with_the_next_change,
                a_recount_counts_what_was_never_counted,
                refusals_count_for_the_tenant_that_is_known,
            );
            $crate::contract_suite!(@tests $make; live:
                a_leads_way_is_told_in_order,
                claims_and_polls_are_told_once,
                acts_are_told_by_what_they_change,
                a_jobs_way_is_told,
                a_change_that_is_refused_is_not_told,
                a_refused_secret_is_told,
                who_goes_on_misses_and_repeats_nothing,
                who_reads_beside_writers_misses_nothing,
                a_place_that_never_was_is_not_reached,
                what_changes_is_told_to_its_tenant_alone,
                what_waits_for_people_is_counted,
                what_is_young_is_not_pruned,
            );
            $crate::contract_suite!(@tests $make; jobs:
                a_job_is_created_with_its_entry_in_the_audit_log,
                a_call_creates_a_job_once,
                a_call_is_its_callers_own_and_forgotten_after_a_day,
                a_job_has_one_owner,
                a_job_whose_lease_ended_is_claimed_again,
                a_step_renews_the_lease_and_a_rest_ends_it,
                a_job_that_cannot_go_on_fails,
                tenants_take_turns,
                a_job_that_rests_lets_another_tenant_go_first,
                a_job_that_is_put_off_goes_on_where_it_is,
                what_a_comparison_found_is_written_with_its_batch,
                a_redrive_survives_its_owners,
                a_request_is_replayed_once_by_a_job,
                what_no_longer_agrees_is_skipped_with_its_reason,
                a_cancelled_job_does_no_further_batch,
                jobs_are_listed_newest_first,
                what_stopped_again_is_counted,
                requests_of_a_filter_are_counted_up_to_a_limit,
                a_tenants_open_jobs_are_limited,
                a_newer_builds_job_is_left_alone,
                old_jobs_are_removed_with_their_marks,
                another_tenants_job_is_not_found,
            );
            $crate::contract_suite!(@tests $make; isolation:
                another_tenants_ids_are_not_found,
                another_tenants_work_cannot_be_touched,
                another_tenants_effects_are_its_own,
                equal_deliveries_of_two_tenants_are_two_requests,
                a_merge_does_not_reach_another_tenant,
                equal_identities_of_two_tenants_are_two_people,
                a_new_secret_changes_no_other_tenants_connection,
                each_tenants_audit_log_is_a_chain_of_its_own,
            );
        }
    };
    (@tests $make:path; $module:ident: $($name:ident),+ $(,)?) => {
        mod $module {
            use super::*;
            $(
                #[tokio::test]
                async fn $name() {
                    let subject: Option<$crate::contract::Subject> = $make().await.into();
                    if let Some(subject) = subject {
                        $crate::contract::$module::$name(&subject).await;
                    }
                }
            )+
        }
    };
}

/// How long a claim is taken for here.
const LEASE: Duration = Duration::from_secs(60);

/// The first stage of a lead that nothing is gathered for.
const FIRST: Stage = Stage::Analysis;

const SECOND: Duration = Duration::from_secs(1);

impl Subject {
    /// A tenant's id in this subject's scope.
    fn tenant(&self, name: &str) -> TenantId {
        TenantId::new(&format!("{}{name}", self.scope)).unwrap()
    }

    async fn wait(&self, by: Duration) {
        (self.advance)(by).await;
    }

    /// Moves to a time of day.
    async fn wait_until(&self, at: Timestamp) {
        let left = at.duration_since((self.now)());
        self.wait(Duration::try_from(left).unwrap_or_default())
            .await;
    }

    /// A time from now.
    fn after(&self, by: Duration) -> Timestamp {
        domain::later((self.now)(), by)
    }

    async fn accept(&self, lead: &Lead) -> Accepted {
        self.store.accept(lead.delivery()).await.unwrap()
    }

    /// Accepts a lead; returns its request.
    async fn request(&self, lead: &Lead) -> RequestId {
        self.accept(lead).await.request().unwrap()
    }

    async fn view(&self, tenant: &TenantId, id: RequestId) -> RequestView {
        self.store.request(tenant, id).await.unwrap().unwrap()
    }

    async fn lead(&self, tenant: &TenantId, id: RequestId) -> LeadRequest {
        self.view(tenant, id).await.request
    }

    /// The row of a step that is open.
    async fn row(
        &self,
        tenant: &TenantId,
        id: RequestId,
        stage: Stage,
        target: &str,
    ) -> Option<WorkRow> {
        let rows = self.store.open_work(tenant, id).await.unwrap();
        rows.into_iter()
            .find(|row| row.key.stage == stage && row.key.target == target)
    }

    /// Claims an open step that is due.
    async fn claim(&self, tenant: &TenantId, id: RequestId, stage: Stage, target: &str) -> Claimed {
        let row = self.row(tenant, id, stage, target).await;
        let wake = row.expect("the step is open").wake();
        let claimed = self.store.claim(&wake, LEASE).await.unwrap();
        claimed.expect("the step is due")
    }

    /// Settles; returns what is due now.
    async fn settle(&self, job: &Claimed, outcome: Outcome) -> Vec<Wake> {
        match self
            .store
            .settle(job, outcome, job.take_records(), SECOND)
            .await
            .unwrap()
        {
            SettleResult::Written(wakes) => wakes,
            SettleResult::Stale => panic!("the claim was stale"),
        }
    }

    /// Claims a step and settles it with its section.
    async fn run(
        &self,
        tenant: &TenantId,
        id: RequestId,
        stage: Stage,
        target: &str,
        section: impl FnOnce(&LeadRequest) -> Section,
    ) -> Vec<Wake> {
        let job = self.claim(tenant, id, stage, target).await;
        self.settle(&job, Outcome::done(section(&job.request)))
            .await
    }

    /// Takes a new lead that nothing is gathered for up to open dispatches.
    async fn qualify(&self, tenant: &TenantId, id: RequestId, destinations: &[&str]) -> Vec<Wake> {
        self.judge(tenant, id, 5.0, SpamGate::Pass, destinations)
            .await
    }

    /// Settles the analysis.
    async fn judge(
        &self,
        tenant: &TenantId,
        id: RequestId,
        spam_likelihood: f64,
        gate: SpamGate,
        destinations: &[&str],
    ) -> Vec<Wake> {
        let job = self.claim(tenant, id, Stage::Analysis, "").await;
        let sections = vec![
            analysis(&job.request, spam_likelihood),
            qualification(&job.request, gate, destinations),
        ];
        let aliases = Vec::new();
        self.settle(&job, Outcome::Done { sections, aliases }).await
    }

    /// A new lead with an open dispatch.
    async fn qualified(&self, lead: &Lead, destinations: &[&str]) -> RequestId {
        let id = self.request(lead).await;
        self.qualify(&lead.tenant, id, destinations).await;
        id
    }
}

/// A lead's delivery in the making.
#[derive(Debug, Clone)]
struct Lead {
    tenant: TenantId,
    provider: String,
    event: Option<String>,
    is_told_by_body: bool,
    source: u128,
    scope: Option<String>,
    delivery_id: Option<String>,
    body: String,
    aliases: Vec<Alias>,
    is_thin: bool,
    is_addition: bool,
    apart: Apart,
    delay: Duration,
    facts: Facts,
}

impl Lead {
    /// Of a channel that gathers nothing.
    fn new(tenant: &TenantId, id: &str) -> Self {
        Self {
            tenant: tenant.clone(),
            provider: "leads".to_owned(),
            event: None,
            is_told_by_body: false,
            source: 1,
            scope: None,
            delivery_id: None,
            body: format!("body of {id}"),
            aliases: vec![alias(id)],
            is_thin: false,
            is_addition: false,
            apart: Apart::Never,
            delay: Duration::ZERO,
            facts: Facts::nothing(Channel::Api),
        }
    }

    /// Of a channel that gathers details and more.
    fn phone(tenant: &TenantId, id: &str) -> Self {
        let mut lead = Self::new(tenant, id);
        lead.facts.about = About::Phone(CallFacts::default());
        lead
    }

    /// The same lead, in another delivery.
    fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    fn event(mut self, event: &str) -> Self {
        self.event = Some(event.to_owned());
        self
    }

    fn named(mut self, ids: &[&str]) -> Self {
        self.aliases = ids.iter().map(|id| alias(id)).collect();
        self
    }

    /// With the id that no other thing has.
    fn canonical(mut self, id: &str) -> Self {
        self.facts.canonical_id = Some(id.to_owned());
        self
    }

    fn thin(mut self) -> Self {
        self.is_thin = true;
        self
    }

    fn note(mut self, note: &str) -> Self {
        self.facts.labels.note = Some(note.to_owned());
        self
    }

    fn delivery(&self) -> Delivery {
        Delivery {
            tenant: self.tenant.clone(),
            provider: self.provider.clone(),
            source: SourceId::from_uuid(Uuid::from_u128(self.source)),
            channel: self.facts.about.channel(),
            office: None,
            event: self.event.clone(),
            is_told_by_body: self.is_told_by_body,
            scope: self.scope.clone(),
            delivery_id: self.delivery_id.clone(),
            scheme: "hmac_sha1".to_owned(),
            headers: BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]),
            body: self.body.clone().into(),
            traceparent: None,
            reading: Ok(Reading::News(Box::new(News {
                delivery_id: self.delivery_id.clone(),
                aliases: self.aliases.clone(),
                is_modified: false,
                is_thin: self.is_thin,
                is_addition: self.is_addition,
                apart: self.apart,
                delay: self.delay,
                facts: self.facts.clone(),
            }))),
        }
    }
}

/// A delivery of a lead that becomes a request whose first step is its analysis.
pub fn delivery(tenant: &TenantId, lead: &str) -> Delivery {
    Lead::new(tenant, lead).delivery()
}

fn alias(id: &str) -> Alias {
    Alias {
        provider: "leads".to_owned(),
        kind: "lead".to_owned(),
        value: id.to_owned(),
    }
}

/// The first statement of a schema's step that the build before could not go on with: a step only adds tables, indexes,
/// and columns that are nullable or have a default.
pub fn narrowing(sql: &str) -> Option<String> {
    let lines = sql.lines().map(str::trim);
    let code: Vec<_> = lines.filter(|line| !line.starts_with("--")).collect();
    let code = code.join(" ");
    let mut statements = code.split(';').map(str::trim);
    let narrows = |statement: &&str| {
        let words: Vec<_> = statement.split_whitespace().collect();
        let adds_column = words.contains(&"ADD") && words.contains(&"COLUMN");
        let is_optional = !statement.contains("NOT NULL") || statement.contains("DEFAULT");
        match words.first().copied() {
            None | Some("CREATE") => false,
            Some("DROP") => words.get(1) != Some(&"INDEX"),
            Some("ALTER") => !(adds_column && is_optional),
            Some(_) => true,
        }
    };
    statements.find(narrows).map(str::to_owned)
}

/// What a test does as a person.
fn act() -> AuditAction {
    AuditAction::new("tester", "test.act", "something")
}

fn name(text: &str) -> ConnectionName {
    ConnectionName::new(text).unwrap()
}

fn office_id(number: u128) -> OfficeId {
    OfficeId::from_uuid(Uuid::from_u128(number))
}

fn no_details(request: &LeadRequest) -> Section {
    let revision = request.document.revisions.of(Stage::Details);
    Section::Details(DetailsSection {
        revision,
        answer: DetailsAnswer::Absent(NoDetails::NotConnected),
        is_newer: revision > 0,
    })
}

fn analysis(request: &LeadRequest, spam_likelihood: f64) -> Section {
    Section::Analysis(Box::new(AnalysisSection {
        revision: request.document.revisions.of(Stage::Analysis),
        engine: Engine::Rules("1".to_owned()),
        prompt_version: "1".to_owned(),
        intent: Intent::Quote,
        sentiment: Sentiment::Neutral,
        project_type: ProjectType::Kitchen,
        timeline: Timeline::Unknown,
        budget: Budget::Unknown,
        lead_score: 60,
        // A number of many digits, as models write them: it must come back as it is.
        confidence: 535.535_705_566_406_2 / 1_000.0,
        reasons: Vec::new(),
        spam_likelihood,
        summary: "A kitchen.".to_owned(),
        postal_code: None,
        address: None,
        is_blocked: false,
        tokens: Default::default(),
    }))
}

/// Qualified for these connections, and for people to be notified.
fn qualification(request: &LeadRequest, gate: SpamGate, destinations: &[&str]) -> Section {
    Section::Qualification(QualificationSection {
        missing_fields: Default::default(),
        revision: request.document.revisions.of_qualification(),
        gate,
        gate_reason: None,
        area: AreaVerdict::In(AreaBasis::Everywhere),
        map: None,
        config_version: 1,
        destinations: destinations
            .iter()
            .map(|connection| (name(connection), "crm".to_owned()))
            .collect(),
        notify: true,
    })
}

fn dispatched(request: &LeadRequest, connection: &str) -> Section {
    let section = DispatchSection {
        connector: "crm".to_owned(),
        state: DispatchState::Done,
        revision: request.document.revisions.of(Stage::Dispatch),
        remote_ids: RemoteIds::default().with("contact", "101"),
        fields_hash: None,
        dispatched_at: None,
        reason: None,
    };
    Section::Dispatch(name(connection), section)
}

fn notified(_: &LeadRequest) -> Section {
    Section::Notifications(NotificationsSection {
        is_done: true,
        messages: Vec::new(),
    })
}

fn retry() -> Outcome {
    Outcome::Retry {
        after: None,
        reason: "it did not answer".to_owned(),
        answer: None,
    }
}

fn hold(connection: &str, version: u64) -> Outcome {
    Outcome::Hold {
        connection: name(connection),
        version,
        reason: "the credentials were refused".to_owned(),
        answer: Some("401".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::narrowing;

    #[test]
    fn a_step_that_the_build_before_cannot_live_with_is_found() {
        for sql in [
            "DROP TABLE a",
            "ALTER TABLE a DROP COLUMN b",
            "ALTER TABLE a RENAME COLUMN b TO c",
            "ALTER TABLE a ADD COLUMN b INT64 NOT NULL",
            "ALTER TABLE a ADD CONSTRAINT b CHECK (c IN ('d'))",
            "DELETE FROM a WHERE TRUE",
        ] {
            let step = format!("-- A comment.\nCREATE INDEX a ON b (c);\n{sql};\n");
            assert_eq!(narrowing(&step).as_deref(), Some(sql));
        }
        for sql in [
            "CREATE TABLE a (b INT64 NOT NULL) PRIMARY KEY (b)",
            "ALTER TABLE a ADD COLUMN b INT64",
            "ALTER TABLE a ADD COLUMN IF NOT EXISTS b INT64 NOT NULL DEFAULT (0)",
            "DROP INDEX a",
        ] {
            assert_eq!(narrowing(sql), None, "{sql}");
        }
    }
}
