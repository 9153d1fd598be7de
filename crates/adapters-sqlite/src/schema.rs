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
    outbox (lane, user_id, kind, seq) {
        lane -> BigInt,
        user_id -> Text,
        kind -> Text,
        seq -> BigInt,
        balance -> BigInt,
        threshold -> BigInt,
        created_at -> BigInt,
        delivered_at -> Nullable<BigInt>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(credit_journal, credit_journal_notes);
