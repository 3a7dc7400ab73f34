-- The first schema. Each migration runs once, inside one transaction, and ends by setting user_version to its
-- own number. What has been released is never edited: a change is a new file.
--
-- Times are Unix milliseconds, 0: not yet. Rows are named by numbers inside and by random ids outside.

PRAGMA application_id = 1953656420; -- "trnd"

-- What changes often is short and stands apart from the long texts, which are written once.
CREATE TABLE job (
    number      INTEGER PRIMARY KEY AUTOINCREMENT, -- order of arrival
    id          TEXT    NOT NULL UNIQUE,
    state       TEXT    NOT NULL,                  -- a name of server/job_state.c
    reason      TEXT,
    progress    TEXT,
    priority    INTEGER NOT NULL,
    revision    INTEGER NOT NULL DEFAULT 1,
    restarts    INTEGER NOT NULL DEFAULT 0,
    fruitless   INTEGER NOT NULL DEFAULT 0,        -- daemons that died under it since it last stored anything
    created_at  INTEGER NOT NULL,
    started_at  INTEGER NOT NULL DEFAULT 0,
    finished_at INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX job_waiting ON job (priority DESC, number) WHERE state = 'queued';
CREATE INDEX job_by_state ON job (state, number);

CREATE TABLE job_text (
    job  INTEGER PRIMARY KEY REFERENCES job (number) ON DELETE CASCADE,
    meta TEXT NOT NULL,
    spec TEXT NOT NULL,
    plan TEXT NOT NULL
) STRICT;

-- Names of metrics, so that a row of metrics is small.
CREATE TABLE series (
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE
) STRICT;

-- SQLite turns NaN into NULL and readers would bridge it: the flag says what it was (enum nonfinite).
CREATE TABLE metric (
    job    INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
    series INTEGER NOT NULL REFERENCES series (number),
    step   INTEGER NOT NULL,
    value  REAL,
    flag   INTEGER NOT NULL DEFAULT 0,
    at     INTEGER NOT NULL,
    PRIMARY KEY (job, series, step),
    CHECK ((value IS NULL) = (flag <> 0))
) STRICT, WITHOUT ROWID;

-- Kept while metrics are written, so that a list of jobs reads no metrics. Numbers are of finite rows; all NULL
-- when a series has none.
CREATE TABLE summary (
    job      INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
    series   INTEGER NOT NULL REFERENCES series (number),
    step     INTEGER,
    last     REAL,
    min_step INTEGER,
    min      REAL,
    max_step INTEGER,
    max      REAL,
    PRIMARY KEY (job, series)
) STRICT, WITHOUT ROWID;

-- Numbers are never used twice: a reader that has seen number n asks for what comes after n.
CREATE TABLE event (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    job    INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
    name   TEXT    NOT NULL,
    step   INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    data   TEXT    NOT NULL
) STRICT;

CREATE INDEX event_by_job ON event (job, number);

-- A checkpoint counts once it is complete. What is not complete is half-written or half-deleted.
CREATE TABLE checkpoint (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    job        INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
    step       INTEGER NOT NULL,
    epoch      INTEGER NOT NULL,
    bytes      INTEGER NOT NULL,
    sha256     TEXT    NOT NULL,
    file_bytes  INTEGER NOT NULL,                  -- of the file that a user downloads
    file_sha256 TEXT    NOT NULL,
    metrics    TEXT,
    score      REAL,                               -- larger is better; NULL: cannot be best
    best       INTEGER NOT NULL DEFAULT 0,
    complete   INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    UNIQUE (job, step)
) STRICT;

CREATE INDEX checkpoint_incomplete ON checkpoint (job) WHERE complete = 0;

CREATE TABLE chunk (
    number     INTEGER PRIMARY KEY,
    checkpoint INTEGER NOT NULL REFERENCES checkpoint (number) ON DELETE CASCADE,
    start      INTEGER NOT NULL,                   -- offset of its first byte
    data       BLOB    NOT NULL,
    UNIQUE (checkpoint, start)
) STRICT;

-- The files stay where they are.
CREATE TABLE dataset (
    name       TEXT PRIMARY KEY,
    path       TEXT    NOT NULL,
    info       TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 1;
