//! The tables, as the statements of this crate see them.
//!
//! SQLite integers have 64 bits whatever a column is declared as, so all of them are `BigInt` here; reading
//! narrows them, with an error and not with a cut.

diesel::table! {
    user_ai_credits (lane, user_id) {
        lane -> BigInt,
        user_id -> Text,
        total_credits -> BigInt,
        used_credits -> BigInt,
        held_credits -> BigInt,
        clawed_credits -> BigInt,
        last_grant -> BigInt,
        plan_type -> Text,
        renewal_date -> Nullable<BigInt>,
        plan_until -> Nullable<BigInt>,
        pack_plan -> Text,
        rate_requests_tat -> BigInt,
        rate_tokens_tat -> BigInt,
        day_number -> BigInt,
        day_used -> BigInt,
        day_held -> BigInt,
        alert_threshold -> Nullable<BigInt>,
        alert_armed -> Bool,
        suspensions -> BigInt,
        seq -> BigInt,
        journal_hash -> Binary,
        created_at -> BigInt,
        updated_at -> BigInt,
        closed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    credit_grants (lane, user_id, id) {
        lane -> BigInt,
        user_id -> Text,
        id -> Text,
        source -> Text,
        source_ref -> Text,
        parent_id -> Nullable<Text>,
        amount -> BigInt,
        remaining -> BigInt,
        expired -> BigInt,
        clawed -> BigInt,
        clawed_at -> Nullable<BigInt>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        live -> Nullable<Bool>,
    }
}

diesel::table! {
    credit_holds (lane, user_id, id) {
        lane -> BigInt,
        user_id -> Text,
        id -> Text,
        amount -> BigInt,
        state -> Text,
        charged -> BigInt,
        absorbed -> BigInt,
        request_type -> Text,
        idempotency_key -> Nullable<Text>,
        instance_id -> Text,
        tokens -> BigInt,
        tokens_span -> BigInt,
        day_number -> BigInt,
        created_at -> BigInt,
        expires_at -> BigInt,
        closed_at -> Nullable<BigInt>,
        api_key_id -> Nullable<Text>,
    }
}

diesel::table! {
    credit_journal (lane, user_id, seq) {
        lane -> BigInt,
        user_id -> Text,
        seq -> BigInt,
        kind -> Text,
        amount -> BigInt,
        balance_after -> BigInt,
        source -> Text,
        actor -> Text,
        created_at -> BigInt,
        note_hash -> Nullable<Binary>,
        hash -> Binary,
    }
}

diesel::table! {
    credit_journal_notes (lane, user_id, seq) {
        lane -> BigInt,
        user_id -> Text,
        seq -> BigInt,
        note -> Text,
    }
}

diesel::table! {
    account_suspensions (lane, user_id, source) {
        lane -> BigInt,
        user_id -> Text,
        source -> Text,
        actor -> Text,
        reason -> Text,
        since -> BigInt,
    }
}

diesel::table! {
    ai_usage_log (lane, user_id, id) {
        lane -> BigInt,
        user_id -> Text,
        id -> Text,
        credits_used -> BigInt,
        absorbed_credits -> BigInt,
        tokens_used -> BigInt,
        input_tokens -> BigInt,
        cached_input_tokens -> BigInt,
        output_tokens -> BigInt,
        reasoning_tokens -> BigInt,
        cost_nano_usd -> BigInt,
        price_version -> Text,
        request_type -> Text,
        model -> Text,
        outcome -> Text,
        estimated -> Bool,
        duration_ms -> BigInt,
        request_id -> Text,
        created_at -> BigInt,
        plan_type -> Text,
    }
}

diesel::table! {
    ai_usage_content (lane, user_id, usage_id, created_at) {
        lane -> BigInt,
        user_id -> Text,
        usage_id -> Text,
        request_content -> Text,
        response_content -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    idempotency_keys (lane, user_id, key) {
        lane -> BigInt,
        user_id -> Text,
        key -> Text,
        hold_id -> Text,
        fingerprint -> Binary,
        created_at -> BigInt,
        answer_body -> Nullable<Binary>,
        answer_model -> Nullable<Text>,
        answer_tokens -> Nullable<BigInt>,
        answer_request_id -> Nullable<Text>,
        answer_charged -> Nullable<BigInt>,
        answer_remaining -> Nullable<BigInt>,
    }
}

diesel::table! {
    instances (id) {
        id -> Text,
        started_at -> BigInt,
        lease_until -> BigInt,
    }
}

diesel::table! {
    purchases (lane, user_id, id) {
        lane -> BigInt,
        user_id -> Text,
        id -> Text,
        kind -> Text,
        plan -> Text,
        credits -> BigInt,
        price_minor -> BigInt,
        currency -> Text,
        expires_after_days -> Nullable<BigInt>,
        livemode -> Bool,
        state -> Text,
        session_id -> Nullable<Text>,
        customer_id -> Nullable<Text>,
        payment_intent_id -> Nullable<Text>,
        charge_id -> Nullable<Text>,
        invoice_id -> Nullable<Text>,
        subscription_id -> Nullable<Text>,
        url -> Nullable<Text>,
        payment_method -> Nullable<Text>,
        period_end -> Nullable<BigInt>,
        refunded_minor -> BigInt,
        refunded_as_of -> BigInt,
        fault -> Nullable<Text>,
        idempotency_key -> Nullable<Text>,
        fingerprint -> Nullable<Binary>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        paid_at -> Nullable<BigInt>,
        lookups -> BigInt,
        next_lookup -> Nullable<BigInt>,
    }
}

diesel::table! {
    purchase_returns (lane, user_id, purchase_id, kind, reference) {
        lane -> BigInt,
        user_id -> Text,
        purchase_id -> Text,
        kind -> Text,
        reference -> Text,
        amount_minor -> BigInt,
        state -> Text,
        as_of -> BigInt,
    }
}

diesel::table! {
    subscriptions (lane, user_id, id) {
        lane -> BigInt,
        user_id -> Text,
        id -> Text,
        purchase_id -> Text,
        plan -> Text,
        credits -> BigInt,
        price_minor -> BigInt,
        currency -> Text,
        expires_after_days -> Nullable<BigInt>,
        status -> Text,
        cancel_at_period_end -> Bool,
        ended -> Bool,
        paid_until -> Nullable<BigInt>,
        as_of -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    billing_profiles (lane, user_id) {
        lane -> BigInt,
        user_id -> Text,
        customer_id -> Nullable<Text>,
        top_up_enabled -> Nullable<Bool>,
        top_up_threshold -> Nullable<BigInt>,
        top_up_plan -> Nullable<Text>,
        top_up_cap_minor -> Nullable<BigInt>,
        top_up_open -> Nullable<Text>,
        top_up_declines -> Nullable<BigInt>,
        top_up_month -> Nullable<BigInt>,
        top_up_month_minor -> Nullable<BigInt>,
    }
}

diesel::table! {
    revenue_entries (lane, user_id, purchase_id, kind, at) {
        lane -> BigInt,
        user_id -> Text,
        purchase_id -> Text,
        kind -> Text,
        at -> BigInt,
        minor -> BigInt,
        livemode -> Bool,
    }
}

diesel::table! {
    audit_log (lane, id) {
        lane -> BigInt,
        id -> Text,
        user_id -> Nullable<Text>,
        at -> BigInt,
        actor -> Text,
        via -> Text,
        action -> Text,
        target -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        request_id -> Nullable<Text>,
        idempotency_key -> Nullable<Text>,
    }
}

diesel::table! {
    audit_reasons (lane, id) {
        lane -> BigInt,
        id -> Text,
        reason -> Text,
    }
}

diesel::table! {
    stripe_events (id) {
        id -> Text,
        kind -> Text,
        livemode -> Bool,
        created_at -> BigInt,
        received_at -> BigInt,
        body -> Binary,
        state -> Text,
        tries -> BigInt,
        next_try -> BigInt,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    stripe_cursor (id) {
        id -> BigInt,
        read_to -> BigInt,
    }
}

diesel::table! {
    notices (lane, user_id, kind, subject) {
        lane -> BigInt,
        user_id -> Text,
        kind -> Text,
        subject -> Text,
        audience -> Text,
        plan -> Nullable<Text>,
        credits -> Nullable<BigInt>,
        amount_minor -> Nullable<BigInt>,
        balance -> Nullable<BigInt>,
        threshold -> Nullable<BigInt>,
        detail -> Nullable<Text>,
        created_at -> BigInt,
        read_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    outbox (lane, user_id, kind, subject, channel) {
        lane -> BigInt,
        user_id -> Text,
        kind -> Text,
        subject -> Text,
        channel -> Text,
        state -> Text,
        tries -> BigInt,
        next_try -> BigInt,
        note -> Nullable<Text>,
        created_at -> BigInt,
        closed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    alert_contacts (lane, user_id) {
        lane -> BigInt,
        user_id -> Text,
        email -> Nullable<Text>,
        language -> Text,
    }
}

diesel::table! {
    alert_endpoint (id) {
        id -> BigInt,
        address -> Binary,
        failing_since -> Nullable<BigInt>,
        disabled_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    erasures (lane, user_id) {
        lane -> BigInt,
        user_id -> Text,
    }
}

diesel::table! {
    api_keys (lane, id) {
        lane -> BigInt,
        user_id -> Text,
        id -> Text,
        name -> Text,
        prefix -> Text,
        secret_hash -> Binary,
        scopes -> Text,
        spend_cap -> Nullable<BigInt>,
        spent -> BigInt,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(credit_journal, credit_journal_notes);
diesel::allow_tables_to_appear_in_same_query!(audit_log, audit_reasons);
