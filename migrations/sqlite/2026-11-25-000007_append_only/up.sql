-- REPLACE deletes what is in its way without asking triggers of DELETE; what is there stays there. An entry of the audit
-- log that comes again is left out, as its store wants it; a journal entry never comes again.
CREATE TRIGGER audit_log_no_replace BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE lane = NEW.lane AND id = NEW.id)
BEGIN
    SELECT RAISE(IGNORE);
END;
CREATE TRIGGER credit_journal_no_replace BEFORE INSERT ON credit_journal
WHEN EXISTS (SELECT 1 FROM credit_journal WHERE lane = NEW.lane AND user_id = NEW.user_id AND seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'credit_journal is append-only');
END;
-- Reasons are erased with their account, and never anything else.
CREATE TRIGGER audit_reasons_no_update BEFORE UPDATE ON audit_reasons
BEGIN
    SELECT RAISE(ABORT, 'audit_reasons are never changed');
END;
CREATE TRIGGER audit_reasons_no_replace BEFORE INSERT ON audit_reasons
WHEN EXISTS (SELECT 1 FROM audit_reasons WHERE lane = NEW.lane AND id = NEW.id)
BEGIN
    SELECT RAISE(IGNORE);
END;
