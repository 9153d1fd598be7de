//! What every store must do for admins: one case for each sentence of the documentation of
//! [`domain::ports::reports`], [`domain::ports::overview`] and [`domain::ports::audit`].
//!
//! To add a case: write it in its room, and name it in the list of [`crate::admin_contract!`].

pub mod audit;
pub mod figures;
pub mod folding;
pub mod overview;

/// One test for each case of what admins see, on what `fresh` makes, as [`crate::ledger_contract!`] does it. The
/// tests lie in `admin_contract::<room>::<case>`.
#[macro_export]
macro_rules! admin_contract {
    ($fresh:path) => {
        $crate::contract_tests! { admin_contract, use $crate::contract::admin as cases; $fresh =>
            figures {
                a_period_counts_requests_credits_cost_and_users,
                a_period_of_empty_books_is_zeros,
                a_period_without_time_is_what_is_outstanding,
                usage_is_cut_by_model_type_plan_and_outcome,
                what_the_house_bears_is_counted,
                those_who_spent_the_most_come_first,
                answers_are_counted_by_how_long_they_took,
                money_counts_when_the_books_learn_of_it,
                money_that_comes_back_counts_again,
                a_refund_before_its_payment_counts_with_it,
                a_dispute_takes_money_and_may_give_it_back,
                no_more_goes_back_than_was_paid,
                money_of_the_other_mode_does_not_count,
                credits_that_moved_without_a_request_are_counted,
                a_series_has_zeros_where_nothing_happened,
                a_series_counts_users_once_in_each_bucket,
                a_series_knows_the_money_of_each_bucket,
            }
            folding {
                a_fold_changes_no_figure,
                a_row_that_comes_late_is_added_to_its_hour,
                each_row_is_folded_once_whoever_folds,
                a_recheck_finds_nothing_wrong,
            }
            overview {
                accounts_are_listed_newest_first,
                accounts_are_listed_by_what_they_used,
                accounts_are_listed_by_their_balance,
                an_account_is_shown_in_full,
                a_sheet_counts_what_is_due_as_expired,
                nobodys_sheet_is_none,
                usage_of_everybody_is_read_page_by_page_newest_first,
                usage_is_filtered_by_user_model_outcome_and_time,
                journals_are_read_account_by_account,
                journals_are_filtered_by_user_and_time,
                notices_of_everybody_are_read_page_by_page_newest_first,
            }
            audit {
                an_act_is_written_down_with_what_it_changed,
                what_was_due_anyway_is_not_the_acts_doing,
                a_refused_act_leaves_no_entry,
                an_act_that_was_done_before_leaves_no_second_entry,
                suspending_and_resuming_are_written_down_once,
                a_refund_is_written_down_with_the_purchase,
                an_act_without_a_known_state_is_written_down,
                something_else_is_written_down_once_for_its_id,
                many_acts_at_once_are_all_written_down,
                entries_are_read_page_by_page_newest_first,
                entries_are_filtered,
            }
        }
    };
}
