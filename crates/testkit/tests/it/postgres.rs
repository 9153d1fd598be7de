//! The throw-away server.

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use testkit::postgres::{TestServer, fresh_database};

async fn connect(url: &str) -> AsyncPgConnection {
    AsyncPgConnection::establish(url).await.expect("a connection")
}

async fn migrate(url: String) -> Result<(), diesel::result::Error> {
    connect(&url).await.batch_execute("CREATE TABLE things (id INT PRIMARY KEY)").await
}

#[tokio::test]
async fn each_test_has_a_migrated_database_of_its_own() {
    let (one, two) = tokio::join!(fresh_database(migrate), fresh_database(migrate));
    assert_ne!(one.url, two.url);
    for database in [&one, &two] {
        connect(&database.url)
            .await
            .batch_execute("INSERT INTO things VALUES (1)")
            .await
            .expect("a clean table");
    }
}

#[tokio::test]
async fn a_server_that_was_killed_comes_back_with_its_data() {
    let server = TestServer::start().await;
    let url = server.create_database("books").await;
    migrate(url.clone()).await.expect("a table");
    server.stop().await;
    assert!(AsyncPgConnection::establish(&url).await.is_err());
    server.start_again().await;
    connect(&url).await.batch_execute("INSERT INTO things VALUES (1)").await.expect("the table is there");
}
