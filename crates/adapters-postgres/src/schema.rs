//! The tables as diesel sees them: names and types of columns, checked at compile time wherever the query
//! builder is used, and the types of what the hand-written statements return.

diesel::table! {
    user_ai_credits (lane, user_id) {
        lane -> SmallInt,
        user_id -> Uuid,
        total_credits -> BigInt,
        used_credits -> BigInt,
        held_credits -> BigInt,
        clawed_credits -> BigInt,
        last_grant -> BigInt,
        plan_type -> Text,
        renewal_date -> Nullable<Timestamptz>,
        plan_until -> Nullable<Timestamptz>,
        pack_plan -> Text,
        rate_requests_tat -> Timestamptz,
        rate_tokens_tat -> Timestamptz,
        day_number -> Integer,
        day_used -> BigInt,
        day_held -> BigInt,
        alert_threshold -> Nullable<BigInt>,
        alert_armed -> Bool,
        suspensions -> Integer,
        seq -> BigInt,
        journal_hash -> Binary,
        created_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    credit_grants (lane, user_id, id) {
        lane -> SmallInt,
        user_id -> Uuid,
        id -> Uuid,
        source -> Text,
        source_ref -> Text,
        parent_id -> Nullable<Uuid>,
        amount -> BigInt,
        remaining -> BigInt,
        expired -> BigInt,
        clawed -> BigInt,
        clawed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        live -> Bool,
    }
}

diesel::table! {
    credit_holds (lane, user_id, id) {
        lane -> SmallInt,
        user_id -> Uuid,
        id -> Uuid,
        amount -> BigInt,
        state -> Text,
        charged -> BigInt,
        absorbed -> BigInt,
        request_type -> Text,
        idempotency_key -> Nullable<Text>,
        instance_id -> Uuid,
        tokens -> BigInt,
        tokens_span -> BigInt,
        day_number -> Integer,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        closed_at -> Nullable<Timestamptz>,
        api_key_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    credit_journal (lane, user_id, seq) {
        lane -> SmallInt,
        user_id -> Uuid,
        seq -> BigInt,
        kind -> Text,
        amount -> BigInt,
        balance_after -> BigInt,
        source -> Text,
        actor -> Text,
        created_at -> Timestamptz,
        note_hash -> Nullable<Binary>,
        hash -> Binary,
    }
}

diesel::table! {
    credit_journal_notes (lane, user_id, seq) {
        lane -> SmallInt,
        user_id -> Uuid,
        seq -> BigInt,
        note -> Text,
    }
}

diesel::table! {
    account_suspensions (lane, user_id, source) {
        lane -> SmallInt,
        user_id -> Uuid,
        source -> Text,
        actor -> Text,
        reason -> Text,
        since -> Timestamptz,
    }
}

diesel::table! {
    ai_usage_log (lane, user_id, id) {
        lane -> SmallInt,
        user_id -> Uuid,
        id -> Uuid,
        credits_used -> BigInt,
        absorbed_credits -> BigInt,
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
        created_at -> Timestamptz,
        plan_type -> Text,
    }
}

diesel::table! {
    ai_usage_content (lane, user_id, usage_id, created_at) {
        lane -> SmallInt,
        user_id -> Uuid,
        usage_id -> Uuid,
        request_content -> Text,
        response_content -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_keys (lane, user_id, key) {
        lane -> SmallInt,
        user_id -> Uuid,
        key -> Text,
        hold_id -> Uuid,
        fingerprint -> Binary,
        created_at -> Timestamptz,
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
        id -> Uuid,
        started_at -> Timestamptz,
        lease_until -> Timestamptz,
    }
}

diesel::table! {
    purchases (lane, user_id, id) {
        lane -> SmallInt,
        user_id -> Uuid,
        id -> Uuid,
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
        period_end -> Nullable<Timestamptz>,
        refunded_minor -> BigInt,
        refunded_as_of -> Timestamptz,
        fault -> Nullable<Text>,
        idempotency_key -> Nullable<Text>,
        fingerprint -> Nullable<Binary>,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        paid_at -> Nullable<Timestamptz>,
        lookups -> BigInt,
        next_lookup -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    subscriptions (lane, user_id, id) {
        lane -> SmallInt,
        user_id -> Uuid,
        id -> Text,
        purchase_id -> Uuid,
        plan -> Text,
        credits -> BigInt,
        price_minor -> BigInt,
        currency -> Text,
        expires_after_days -> Nullable<BigInt>,
        status -> Text,
        cancel_at_period_end -> Bool,
        ended -> Bool,
        paid_until -> Nullable<Timestamptz>,
        as_of -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    billing_profiles (lane, user_id) {
        lane -> SmallInt,
        user_id -> Uuid,
        customer_id -> Nullable<Text>,
        top_up_enabled -> Nullable<Bool>,
        top_up_threshold -> Nullable<BigInt>,
        top_up_plan -> Nullable<Text>,
        top_up_cap_minor -> Nullable<BigInt>,
        top_up_open -> Nullable<Uuid>,
        top_up_declines -> Nullable<BigInt>,
        top_up_month -> Nullable<BigInt>,
        top_up_month_minor -> Nullable<BigInt>,
    }
}

diesel::table! {
    notices (lane, user_id, kind, subject) {
        lane -> SmallInt,
        user_id -> Uuid,
        kind -> Text,
        subject -> Text,
        plan -> Nullable<Text>,
        credits -> Nullable<BigInt>,
        amount_minor -> Nullable<BigInt>,
        balance -> Nullable<BigInt>,
        threshold -> Nullable<BigInt>,
        detail -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    stripe_events (id) {
        id -> Text,
        kind -> Text,
        livemode -> Bool,
        created_at -> Timestamptz,
        received_at -> Timestamptz,
        body -> Binary,
        state -> Text,
        tries -> BigInt,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    api_keys (lane, id) {
        lane -> SmallInt,
        user_id -> Uuid,
        id -> Uuid,
        name -> Text,
        prefix -> Text,
        secret_hash -> Binary,
        scopes -> Text,
        spend_cap -> Nullable<BigInt>,
        spent -> BigInt,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(credit_journal, credit_journal_notes);
