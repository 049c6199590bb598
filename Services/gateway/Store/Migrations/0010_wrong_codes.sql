-- Codes of the app that were wrong one after the other, at logins with the right password from somewhere new.
ALTER TABLE second_factors ADD COLUMN wrong_codes integer NOT NULL DEFAULT 0;
