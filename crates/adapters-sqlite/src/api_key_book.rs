//! Looking API keys up.

use async_trait::async_trait;
use domain::api_keys::ApiKey;
use domain::ids::{ApiKeyId, UserId};
use domain::ports::Unavailable;
use domain::ports::api_keys::{ApiKeyBook, ApiKeyCursor};

use crate::rows::api_keys;
use crate::store::SqliteStore;

#[async_trait]
impl ApiKeyBook for SqliteStore {
    async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Unavailable> {
        self.readers.read(move |connection| api_keys::find(connection, id)).await
    }

    async fn api_keys(
        &self,
        user: UserId,
        before: Option<ApiKeyCursor>,
        limit: u32,
    ) -> Result<Vec<ApiKey>, Unavailable> {
        self.readers.read(move |connection| api_keys::page(connection, user, before, limit)).await
    }
}

#[cfg(test)]
mod tests {
    use testkit::requests::api_keys::new_api_key_id;
    use testkit::requests::user;
    use testkit::time::time;

    use super::*;
    use crate::watch::{plan, watched};

    #[test]
    fn every_read_of_keys_seeks_in_an_index_of_its_own() {
        let (mut connection, seen, _directory) = watched();
        let c = &mut connection;
        let id = new_api_key_id(user(1));
        assert_eq!(api_keys::find(c, id).expect("read"), None);
        for before in [None, Some(ApiKeyCursor { at: time(0), id })] {
            assert!(api_keys::page(c, user(1), before, 10).expect("read").is_empty());
        }
        let plans: Vec<String> = seen.run().iter().map(|select| plan(c, select)).collect();
        assert_eq!(plans.len(), 3, "{plans:#?}");
        let by = |index: &str| plans.iter().filter(|plan| plan.contains(index)).count();
        assert_eq!((by("(lane=? AND id=?)"), by("api_keys_of_user")), (1, 2), "{plans:#?}");
        assert!(plans.iter().all(|plan| !plan.contains("SCAN")), "{plans:#?}");
    }
}
