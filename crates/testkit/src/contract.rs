//! What every store must do, one case for each sentence of the ports' documentation.
//!
//! A case is a plain `async fn` over a [`Fixture`] with empty books. After each, all books are verified.
//! To add one: write it in its room, and name it in the list of [`crate::ledger_contract!`]; a test of
//! this crate finds those that were forgotten.

pub mod admin;
pub mod api_keys;
pub mod billing;
pub mod clawback;
pub mod expiry;
pub mod grants;
pub mod holds;
pub mod keys;
pub mod limits;
pub mod races;
pub mod reading;
pub mod settle;
pub mod spend_caps;
pub mod standing;
pub mod upkeep;
pub mod vitals;
pub mod void;

use crate::Fixture;
use crate::acts::verify;

/// Runs a case on a fixture, then proves that its books add up.
pub async fn run(fixture: Fixture, case: impl AsyncFnOnce(&Fixture)) {
    case(&fixture).await;
    verify(&fixture).await;
}

/// One test for each case of the contract, on what `fresh` makes: an `async fn() -> Fixture` in the scope
/// of the call. The tests lie in `ledger_contract::<room>::<case>`; the calling crate needs `tokio` with
/// `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! ledger_contract {
    ($fresh:path) => {
        $crate::contract_tests! { ledger_contract, use $crate::contract as cases; $fresh =>
            holds {
                a_hold_takes_no_more_than_at_most,
                a_hold_takes_what_is_there_from_at_least_on,
                less_than_at_least_is_refused,
                fewer_than_ten_available_credits_are_refused,
                the_same_hold_id_answers_the_first_hold,
                a_user_who_was_never_seen_has_no_credits_and_gets_no_row,
                an_account_without_any_grant_has_no_credits,
                refusals_come_in_order,
                a_refused_hold_leaves_no_trace,
                a_refused_hold_never_holds_back_the_others,
                holds_of_one_account_add_up,
            }
            settle {
                settling_charges_what_was_used_and_returns_the_rest,
                a_charge_above_the_hold_is_borne_by_the_house,
                settling_twice_answers_the_first_receipt,
                settling_writes_journal_and_usage,
                settling_for_nothing_writes_usage_only,
                an_unknown_hold_cannot_be_settled,
                the_hold_of_another_user_cannot_be_settled,
                a_voided_hold_cannot_be_settled,
                the_soonest_to_expire_lot_burns_first_then_the_oldest,
                a_hold_burns_lots_that_were_there_when_it_was_made,
                a_settlement_that_nobody_waits_for_is_done,
            }
            void {
                voiding_returns_everything_and_writes_free_usage,
                voiding_twice_answers_that_nothing_was_left,
                a_settled_hold_cannot_be_voided,
                an_unknown_hold_cannot_be_voided,
                voiding_an_expired_hold_returns_nothing_more,
                a_released_hold_is_voided_although_nobody_waits,
            }
            expiry {
                an_expired_hold_is_returned_before_any_read,
                an_expired_hold_is_returned_before_any_act,
                a_late_settlement_charges_at_most_what_is_available,
                a_late_settlement_happens_once,
                a_late_settlement_is_free_when_its_key_was_held_again,
                a_late_settlement_that_does_not_name_its_key_is_free,
                a_due_lot_is_gone_before_any_read_and_any_act,
                a_due_lot_is_kept_as_far_as_earlier_holds_may_need_it,
                a_settlement_answers_only_what_is_still_there,
                what_a_void_returns_to_a_due_lot_expires,
                due_lots_are_protected_no_more_than_once_by_a_hold,
                what_open_holds_count_on_does_not_expire,
                a_grant_releases_what_open_holds_counted_on,
                a_due_lot_is_not_kept_for_holds_made_after,
                a_lot_that_fell_due_before_a_hold_is_not_kept_for_it,
                named_holds_of_a_dead_server_expire_before_their_time,
                a_sweep_expires_holds_past_their_time,
                a_sweep_expires_the_holds_of_a_dead_server,
                a_sweep_expires_the_holds_of_a_server_without_a_lease,
                a_renewed_lease_keeps_its_holds,
                a_sweep_expires_due_lots,
                a_sweep_visits_no_more_accounts_than_it_may,
                two_sweeps_at_the_same_time_change_nothing_twice,
                what_expired_is_not_clawed_back_again,
            }
            grants {
                a_grant_adds_a_dated_lot,
                a_source_is_granted_once,
                a_source_stays_granted_after_its_lot_is_spent,
                what_is_owed_comes_off_a_grant,
                a_grant_can_bring_a_plan,
                the_low_balance_threshold_follows_the_last_grant,
                amounts_out_of_range_are_refused,
                a_positive_adjustment_adds_a_lot,
                a_negative_adjustment_comes_off_the_lots_in_burn_order,
                an_adjustment_is_posted_once_for_its_source,
                an_adjustment_takes_no_more_than_is_available,
                grants_for_many_users_do_not_disturb_each_other,
            }
            clawback {
                a_full_refund_of_a_partly_spent_pack_leaves_what_was_spent_owed,
                a_partial_refund_takes_its_share_rounded_down,
                the_same_figure_again_changes_nothing,
                figures_in_any_order_end_in_the_same_place,
                a_figure_above_what_was_paid_counts_as_all_of_it,
                other_lots_are_taken_in_burn_order_when_the_payments_own_is_spent,
                restoring_is_a_new_lot_with_its_expiry_moved_by_the_time_away,
                what_was_taken_for_a_lot_that_was_due_comes_back_for_good,
                restored_credits_can_be_clawed_back_again,
                what_is_owed_comes_off_a_restored_lot,
                a_hold_that_was_made_before_can_still_be_settled,
                a_payment_that_nothing_was_granted_for_is_refused,
            }
            standing {
                any_source_suspends_and_lifting_one_leaves_the_others,
                a_source_suspends_once,
                a_user_who_was_never_seen_can_be_suspended_and_resumed,
                an_open_hold_is_settled_although_the_account_is_suspended,
            }
            limits {
                a_minutes_requests_may_come_at_once_and_no_more,
                tokens_are_reserved_and_what_was_not_used_is_given_back,
                requests_at_the_same_time_are_counted,
                a_days_credits_are_counted_until_the_day_ends,
                yesterdays_hold_does_not_count_today,
                a_request_larger_than_a_limit_can_never_pass,
                a_refused_request_uses_up_no_limit,
                without_limits_no_clock_refuses_a_request,
                limits_follow_the_plan,
            }
            api_keys {
                a_key_comes_back_as_it_was_made,
                a_key_is_made_once_for_its_id,
                a_key_can_be_made_by_a_user_who_was_never_seen,
                a_cap_of_nothing_is_refused,
                a_hundred_live_keys_are_enough,
                a_key_is_found_by_its_id_also_when_it_has_ended,
                keys_are_listed_page_by_page_newest_first,
                a_revoked_key_stays_revoked_since_the_first_time,
                the_key_of_another_user_is_unknown,
                a_key_that_has_ended_holds_nothing,
                an_ended_key_is_refused_before_anything_else,
                the_use_of_a_key_is_noted_to_the_minute,
                many_keys_made_at_once_are_no_more_than_a_hundred,
                a_key_revoked_in_a_rush_holds_nothing_afterwards,
            }
            spend_caps {
                a_key_holds_no_more_than_it_may_still_spend,
                a_key_with_too_little_left_is_refused,
                the_cap_is_looked_at_after_the_credits_and_before_the_limits,
                what_a_hold_returns_the_key_may_spend_again,
                keys_do_not_count_for_each_other,
                settling_adds_the_charge_to_what_the_key_has_spent,
                a_key_that_has_ended_settles_its_holds,
                a_hold_is_settled_under_its_own_key_only,
                a_late_settlement_charges_no_more_than_the_key_may_spend,
                many_programs_with_one_key_never_pass_its_cap,
            }
            keys {
                a_running_request_is_not_started_again,
                a_key_stands_for_one_request,
                a_key_belongs_to_its_user,
                a_settled_request_is_replayed_with_its_answer,
                an_answer_that_was_not_kept_is_not_replayed,
                a_key_can_be_used_again_after_a_void,
                a_key_can_be_used_again_after_its_hold_expired,
                a_key_is_forgotten_after_a_day,
                a_refused_request_does_not_take_its_key,
            }
            reading {
                reading_a_user_who_was_never_seen_makes_no_account,
                the_journal_is_read_page_by_page_newest_first,
                journal_entries_come_with_their_notes,
                usage_is_read_page_by_page_newest_first,
                requests_that_broke_off_are_counted_from_a_time_on,
                every_fact_of_a_request_is_kept,
            }
            upkeep {
                texts_are_deleted_after_their_retention,
                texts_of_many_days_are_deleted_day_by_day,
                keys_are_deleted_with_their_answers,
                leases_that_ended_long_ago_are_deleted,
                books_are_served_while_a_lease_is_in_force,
                a_lease_that_never_was_can_be_ended,
                the_store_answers_a_ping,
                users_are_listed_lane_by_lane_in_order,
                the_books_of_an_account_are_complete,
            }
            vitals {
                figures_of_empty_books_are_zero,
                what_users_have_and_owe_and_hold_is_summed,
                pending_events_are_counted_and_the_oldest_is_known,
                lookups_that_are_due_are_counted_and_the_oldest_is_known,
                notices_that_were_not_sent_are_counted_and_the_oldest_is_known,
            }
            races {
                funds_for_a_hundred_holds_make_a_hundred,
                one_of_many_callers_with_one_key_holds,
                many_grants_for_one_source_make_one_lot,
                a_hold_is_settled_or_voided_but_not_both,
                claw_backs_at_once_end_where_the_last_word_says,
                a_storm_of_acts_leaves_books_that_add_up,
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! contract_tests {
    ($suite:ident, $cases:item $fresh:path => $($room:ident { $($case:ident),* $(,)? })*) => {
        mod $suite {
            #[allow(unused_imports, clippy::wildcard_imports)]
            use super::*;
            $cases
            $(mod $room {
                #[allow(unused_imports, clippy::wildcard_imports)]
                use super::*;
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    $crate::contract::run($fresh().await, cases::$room::$case).await;
                })*
            })*
        }
    };
}
