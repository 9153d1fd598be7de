//! `billing_profiles`.

use diesel::pg::Pg;
use diesel::prelude::QueryableByName;
use domain::billing::profile::{BillingProfile, TopUp, TopUpSettings};
use domain::ids::PurchaseId;
use domain::ledger::account::PlanName;
use uuid::Uuid;

use crate::error::{Corrupt, Place, Rest};
use crate::schema::billing_profiles;

#[derive(QueryableByName)]
#[diesel(table_name = billing_profiles, check_for_backend(Pg))]
pub(crate) struct ProfileRow {
    user_id: Uuid,
    customer_id: Option<String>,
    top_up_enabled: Option<bool>,
    top_up_threshold: Option<i64>,
    top_up_plan: Option<String>,
    top_up_cap_minor: Option<i64>,
    top_up_open: Option<Uuid>,
    top_up_declines: Option<i64>,
    top_up_month: Option<i64>,
    top_up_month_minor: Option<i64>,
}

impl ProfileRow {
    pub fn into_domain(self) -> Result<BillingProfile, Corrupt> {
        let at = Place::new("billing_profiles", self.user_id, Rest::Nothing);
        let settings = (self.top_up_enabled, self.top_up_threshold, self.top_up_plan, self.top_up_cap_minor);
        let course = (self.top_up_open, self.top_up_declines, self.top_up_month, self.top_up_month_minor);
        let top_up = match (settings, course) {
            ((None, None, None, None), (None, None, None, None)) => None,
            (
                (Some(enabled), Some(threshold), Some(plan), Some(cap)),
                (open, Some(declines), Some(month), Some(month_minor)),
            ) => Some(TopUp {
                settings: TopUpSettings {
                    enabled,
                    threshold: at.amount("top_up_threshold", threshold)?,
                    plan: PlanName::new(plan),
                    monthly_cap_minor: at.minor("top_up_cap_minor", cap)?,
                },
                open: open.map(|id| PurchaseId::from_bytes(id.into_bytes())),
                declines: at.small_count("top_up_declines", declines)?,
                month,
                month_minor: at.minor("top_up_month_minor", month_minor)?,
            }),
            _ => {
                return Err(
                    at.corrupt("top_up_enabled", "and its companions are neither all there nor all null")
                );
            }
        };
        Ok(BillingProfile { user: at.user(), customer: self.customer_id, top_up })
    }
}
