//! What every store must do of buying: one case for each sentence of the documentation of
//! [`domain::ports::billing`], and for each rule of [`domain::ledger::payments`].
//!
//! To add a case: write it in its room, and name it in the list of [`crate::billing_contract!`].

pub mod disputes;
pub mod inbox;
pub mod notices;
pub mod opening;
pub mod payments;
pub mod races;
pub mod reading;
pub mod refunds;
pub mod subscriptions;
pub mod top_ups;

/// One test for each case of buying, on what `fresh` makes, as [`crate::ledger_contract!`] does it. The tests
/// lie in `billing_contract::<room>::<case>`.
#[macro_export]
macro_rules! billing_contract {
    ($fresh:path) => {
        $crate::contract_tests! { billing_contract, use $crate::contract::billing as cases; $fresh =>
            opening {
                a_purchase_is_written_down_as_it_was_asked_for,
                the_same_purchase_id_answers_the_first,
                the_same_key_answers_the_first_purchase,
                a_key_stands_for_one_request,
                a_key_of_buying_belongs_to_its_user,
                a_key_of_buying_is_forgotten_after_a_day,
                keys_of_holds_and_of_purchases_do_not_meet,
                purchases_of_one_user_do_not_disturb_each_other,
            }
            payments {
                a_paid_purchase_is_granted_once_with_itself_as_the_source,
                a_packs_credits_expire_when_the_offer_says_so,
                the_last_pack_paid_for_is_the_plan,
                unpaid_then_paid,
                a_failed_payment_grants_nothing,
                an_expired_checkout_grants_nothing,
                money_that_arrived_outweighs_what_was_heard_before_and_after,
                progress_never_goes_back,
                names_and_details_are_learned_once,
                news_that_says_nothing_changes_nothing,
                another_amount_is_complained_about,
                another_currency_is_complained_about,
                another_mode_is_complained_about,
                another_checkout_session_is_complained_about,
                after_a_complaint_the_right_payment_is_granted,
                news_of_an_unknown_purchase_is_refused,
                news_of_another_users_purchase_is_refused,
                a_grant_that_does_not_fit_is_refused_and_leaves_no_trace,
                everything_that_is_known_of_a_purchase_is_kept,
            }
            refunds {
                a_refund_before_the_payment_is_applied_with_the_grant,
                three_partial_refunds_are_absolute_figures,
                a_full_refund_after_spending_leaves_what_was_spent_owed,
                a_failed_refund_gives_credits_back,
                an_older_figure_does_not_outweigh_a_newer_one,
                a_refund_of_an_unpaid_purchase_takes_nothing,
                a_manual_refund_is_made_once_for_its_key,
                refunds_of_both_kinds_add_up_and_take_no_more_than_was_granted,
                what_expired_is_not_taken_again_for_a_refund,
                news_without_its_known_invoice_is_refused_once_it_was_granted,
            }
            disputes {
                a_dispute_suspends_and_takes_its_share_back,
                a_won_dispute_gives_credits_back_and_lifts_its_suspension,
                a_lost_dispute_leaves_the_claw_back_and_lifts_its_suspension,
                a_strict_house_keeps_an_account_suspended_after_a_lost_dispute,
                the_end_of_a_dispute_outweighs_its_beginning,
                a_dispute_lifts_only_its_own_suspension,
                a_dispute_before_the_payment_suspends_at_once,
                a_dispute_and_a_refund_of_the_same_money_take_it_once,
                a_fraud_warning_suspends_where_the_house_wants_it,
            }
            subscriptions {
                the_first_invoice_fulfils_the_purchase_of_the_checkout,
                a_renewal_makes_a_purchase_of_its_own,
                credits_of_a_period_expire_three_days_after_it,
                an_invoice_that_is_not_the_price_grants_nothing,
                a_renewal_that_is_not_collected_only_gives_notice,
                a_first_invoice_that_is_not_collected_only_gives_notice,
                a_checkout_that_says_paid_waits_for_its_invoice,
                the_plan_lapses_to_free_without_a_job,
                the_plan_lapses_to_the_last_pack,
                a_pack_bought_in_between_waits_for_the_lapse,
                a_cancelled_subscription_lapses_with_its_period,
                a_cancellation_can_be_taken_back,
                an_end_is_final,
                older_news_of_a_subscription_changes_nothing,
                a_late_invoice_of_an_older_period_leaves_the_renewal_date,
                a_plan_change_takes_effect_with_the_next_period,
                news_of_an_unknown_subscription_is_refused,
                invoices_of_one_subscription_may_come_in_any_order,
                a_refunded_month_is_taken_back_by_its_invoice,
                the_subscription_names_the_purchase_that_began_it,
            }
            top_ups {
                a_top_up_is_opened_below_the_threshold,
                no_top_up_while_there_are_enough_credits,
                no_top_up_that_was_not_asked_for,
                no_top_up_of_another_plan,
                one_top_up_at_a_time,
                a_month_costs_no_more_than_the_cap,
                the_cap_counts_calendar_months,
                a_declined_top_up_does_not_count,
                money_that_goes_back_switches_it_off,
                no_top_up_of_a_suspended_account,
                three_declines_in_a_row_switch_it_off,
                a_paid_top_up_forgives_declines,
                a_top_up_that_is_paid_after_all_counts_again,
                setting_it_again_forgives_declines_and_keeps_the_open_one,
                a_top_up_that_is_repeated_answers_the_first,
            }
            notices {
                a_user_is_told_of_each_thing_once,
                admins_notices_are_not_shown_to_users,
                notices_are_read_page_by_page_newest_first,
                notices_carry_their_figures,
                low_balance_is_a_notice_too,
            }
            reading {
                a_purchase_is_found_by_each_of_its_names,
                names_that_nobody_has_find_nothing,
                purchases_are_read_page_by_page_newest_first,
                purchases_of_all_users_are_read_together,
                subscriptions_are_read_oldest_first,
                a_newcomer_has_an_empty_profile,
                a_user_is_found_by_the_customers_name,
                the_first_customer_stays,
                a_purchase_is_looked_up_when_its_time_has_come,
                lookups_wait_longer_each_time,
                no_more_lookups_are_claimed_than_asked_for,
                a_closed_purchase_is_not_looked_up,
                users_low_on_credits_are_found,
                no_more_users_are_found_than_asked_for,
                the_oldest_open_purchase_is_known,
            }
            inbox {
                an_event_is_kept_once_just_as_it_came,
                a_pending_event_is_due_at_once,
                an_event_that_is_not_pending_is_never_claimed,
                a_claimed_event_is_due_again_unless_it_is_closed,
                a_closed_event_stays_as_it_is,
                an_event_is_retried_when_its_time_has_come,
                no_more_events_are_claimed_than_asked_for,
                the_oldest_event_comes_first,
                bodies_of_events_that_are_done_with_are_emptied,
                closing_what_is_not_there_does_nothing,
                the_cursor_never_moves_back,
            }
            races {
                twelve_copies_of_a_payment_grant_once,
                two_servers_that_open_under_one_key_open_once,
                every_order_at_once_ends_the_same,
                one_of_many_top_ups_is_opened,
                many_copies_of_an_invoice_make_one_purchase,
                each_lookup_is_claimed_once,
                each_event_is_claimed_once,
                an_event_that_comes_many_times_at_once_is_kept_once,
                payments_holds_and_refunds_at_once_leave_books_that_add_up,
            }
        }
    };
}
