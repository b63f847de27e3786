//! The tables of journal and outbox, as they came to be.

/// The area in the state file.
pub const AREA: &str = "robot";

/// `weight` is how soon a line is dropped when there is no room: 0 never, then the higher the sooner. The sum of what can
/// be dropped is kept by triggers, because several processes write.
pub const TABLES: &[&str] = &["
    CREATE TABLE robot_jobs (
        robot TEXT NOT NULL, job TEXT NOT NULL, guid TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
        taken TEXT, phase TEXT NOT NULL, announced INTEGER NOT NULL DEFAULT 0, begun INTEGER NOT NULL DEFAULT 0,
        stop TEXT, kill TEXT, ending TEXT, status TEXT, reason TEXT, percent REAL, doing TEXT,
        taken_at INTEGER NOT NULL, begun_at INTEGER, over_at INTEGER, PRIMARY KEY (robot, job));
    CREATE INDEX robot_jobs_phase ON robot_jobs (robot, phase, over_at);
    CREATE TABLE robot_processes (
        robot TEXT NOT NULL, job TEXT NOT NULL, pid INTEGER NOT NULL, since TEXT NOT NULL,
        PRIMARY KEY (robot, job, pid, since));
    CREATE TABLE robot_outbox (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, robot TEXT NOT NULL, job TEXT NOT NULL, guid TEXT NOT NULL,
        kind TEXT NOT NULL, body TEXT NOT NULL, weight INTEGER NOT NULL, size INTEGER NOT NULL, at INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0, doubtful INTEGER NOT NULL DEFAULT 0);
    CREATE INDEX robot_outbox_job ON robot_outbox (robot, job, seq);
    CREATE INDEX robot_outbox_weight ON robot_outbox (robot, weight, seq);
    CREATE TABLE robot_sizes (robot TEXT PRIMARY KEY, bytes INTEGER NOT NULL);
    CREATE TRIGGER robot_outbox_in AFTER INSERT ON robot_outbox WHEN new.weight > 0 BEGIN
        INSERT INTO robot_sizes VALUES (new.robot, new.size)
            ON CONFLICT (robot) DO UPDATE SET bytes = bytes + excluded.bytes; END;
    CREATE TRIGGER robot_outbox_out AFTER DELETE ON robot_outbox WHEN old.weight > 0 BEGIN
        UPDATE robot_sizes SET bytes = max(0, bytes - old.size) WHERE robot = old.robot; END;
    CREATE TABLE robot_dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT, robot TEXT NOT NULL, job TEXT NOT NULL, kind TEXT NOT NULL,
        body TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE robot_aside (
        id INTEGER PRIMARY KEY AUTOINCREMENT, robot TEXT NOT NULL, source TEXT NOT NULL, body TEXT NOT NULL,
        reason TEXT NOT NULL, at INTEGER NOT NULL);
    CREATE TABLE robot_marks (
        robot TEXT NOT NULL, mark TEXT NOT NULL, value BLOB NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (robot, mark));
"];
