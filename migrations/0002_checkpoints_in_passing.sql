-- A checkpoint that a stop of the daemon asked for, not the job: it is kept until the next one, and nothing that
-- depends on the spec alone (what is kept, what is best, where a diverged run goes back to) looks at it. So a job
-- that was stopped leaves what one leaves that never was.
ALTER TABLE checkpoint ADD COLUMN passing INTEGER NOT NULL DEFAULT 0;

PRAGMA user_version = 2;
