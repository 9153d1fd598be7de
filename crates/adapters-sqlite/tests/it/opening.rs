//! Making, migrating and refusing files.

use std::fs;
use std::thread;

use adapters_sqlite::{OpenError, Options, SqliteStore, migrate, migration_names, pending};
use diesel::connection::SimpleConnection;

use crate::harness::Place;

#[test]
fn directory_and_file_are_made_for_their_owner_alone() {
    let place = Place::new();
    let path = place.file().with_file_name("deep").join("down").join("saldo.db");
    let _store = SqliteStore::open(&path, Options::default()).expect("the store opens");
    assert!(path.is_file());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let directory = path.parent().expect("a directory");
        let files = ["saldo.db", "saldo.db-wal", "saldo.db-shm"].map(|name| directory.join(name));
        for file in files {
            let mode = fs::metadata(&file).expect("the file is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.display());
        }
        let mode = fs::metadata(directory).expect("the directory is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

#[test]
fn migrating_twice_does_nothing_the_second_time() {
    let place = Place::new();
    assert_eq!(pending(&place.file()).expect("a question"), migration_names());
    assert!(!place.file().exists(), "asking makes nothing");
    assert_eq!(migrate(&place.file()).expect("migrated"), migration_names());
    assert_eq!(pending(&place.file()).expect("a question"), Vec::<String>::new());
    assert_eq!(migrate(&place.file()).expect("migrated"), Vec::<String>::new());
}

#[test]
fn asking_an_empty_database_what_is_pending_changes_nothing() {
    let place = Place::new();
    place.stranger().batch_execute("CREATE TABLE other (x)").expect("made");
    let before = fs::read(place.file()).expect("readable");
    assert_eq!(pending(&place.file()).expect("a question"), migration_names());
    assert_eq!(fs::read(place.file()).expect("readable"), before);
}

#[test]
fn many_servers_may_make_the_same_file_at_once() {
    let place = Place::new();
    thread::scope(|scope| {
        let servers: Vec<_> = (0..8).map(|_| scope.spawn(|| place.open())).collect();
        for server in servers {
            server.join().expect("the store opens");
        }
    });
    assert_eq!(pending(&place.file()).expect("a question"), Vec::<String>::new());
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    for content in ["x", "not a database, but long enough to have been one\n"] {
        let place = Place::new();
        fs::write(place.file(), content).expect("written");
        for result in [
            SqliteStore::open(&place.file(), Options::default()).map(|_| ()),
            migrate(&place.file()).map(|_| ()),
            pending(&place.file()).map(|_| ()),
        ] {
            assert!(matches!(result, Err(OpenError::NotADatabase(path)) if path == place.file()));
        }
        assert_eq!(fs::read_to_string(place.file()).expect("readable"), content);
    }
}

#[test]
fn a_file_with_a_newer_schema_is_refused() {
    let place = Place::new();
    migrate(&place.file()).expect("migrated");
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')";
    place.stranger().batch_execute(newer).expect("a later version came by");
    for result in [
        SqliteStore::open(&place.file(), Options::default()).map(|_| ()),
        migrate(&place.file()).map(|_| ()),
        pending(&place.file()).map(|_| ()),
    ] {
        let Err(OpenError::NewerSchema { version, .. }) = result else { panic!("not refused: {result:?}") };
        assert_eq!(version, "99991231000000");
    }
}

#[test]
fn a_migration_that_fails_leaves_the_file_as_it_was() {
    let place = Place::new();
    place.stranger().batch_execute("CREATE TABLE outbox (x)").expect("in the way");
    assert!(matches!(migrate(&place.file()), Err(OpenError::Migration { .. })));
    assert_eq!(pending(&place.file()).expect("a question"), migration_names());
    place.stranger().batch_execute("DROP TABLE outbox").expect("out of the way");
    assert_eq!(migrate(&place.file()).expect("migrated"), migration_names());
}

#[test]
fn what_cannot_be_a_file_is_refused() {
    let place = Place::new();
    let in_the_way = place.file();
    fs::write(&in_the_way, "").expect("written");
    let below = SqliteStore::open(&in_the_way.join("saldo.db"), Options::default()).map(|_| ());
    assert!(matches!(below, Err(OpenError::Directory { .. })), "{below:?}");

    let directory = in_the_way.with_file_name("directory");
    fs::create_dir(&directory).expect("made");
    let result = SqliteStore::open(&directory, Options::default()).map(|_| ());
    assert!(matches!(result, Err(OpenError::File { .. })), "{result:?}");

    let nameless = SqliteStore::open("".as_ref(), Options::default()).map(|_| ());
    assert!(matches!(nameless, Err(OpenError::Path(_))), "{nameless:?}");
}

#[test]
fn a_name_that_reads_as_a_uri_is_a_name() {
    let place = Place::new();
    let path = place.file().with_file_name("file:saldo.db?mode=memory");
    let _store = SqliteStore::open(&path, Options::default()).expect("the store opens");
    assert!(fs::metadata(&path).expect("the file is there").len() > 0);
}
