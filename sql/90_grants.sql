-- Nobody but superusers may call or use anything here until setup() gives the default credential its share.

REVOKE ALL ON SCHEMA credentials FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA credentials FROM PUBLIC;
REVOKE ALL ON TYPE credentials.made FROM PUBLIC;
REVOKE ALL ON TYPE credentials.setup_step FROM PUBLIC;
REVOKE ALL ON TYPE credentials.configuration FROM PUBLIC;
REVOKE ALL ON TYPE credentials.status FROM PUBLIC;
REVOKE ALL ON TYPE credentials.identity FROM PUBLIC;
REVOKE ALL ON TYPE credentials.released FROM PUBLIC;
REVOKE ALL ON TYPE credentials.resealed FROM PUBLIC;
REVOKE ALL ON TYPE credentials.order_placed FROM PUBLIC;
REVOKE ALL ON TYPE credentials.ownership_step FROM PUBLIC;
REVOKE ALL ON TYPE credentials.rotation FROM PUBLIC;
REVOKE ALL ON TYPE credentials.new_password FROM PUBLIC;
REVOKE ALL ON TYPE credentials.lease FROM PUBLIC;
REVOKE ALL ON TYPE credentials.job_state FROM PUBLIC;
REVOKE ALL ON TYPE credentials.listed FROM PUBLIC;
REVOKE ALL ON TYPE credentials.username FROM PUBLIC;
REVOKE ALL ON TYPE credentials.connection FROM PUBLIC;
REVOKE ALL ON TYPE credentials.job_report FROM PUBLIC;
REVOKE ALL ON TYPE credentials.event_report FROM PUBLIC;
REVOKE ALL ON TYPE credentials.installation FROM PUBLIC;
REVOKE ALL ON TYPE credentials.credential FROM PUBLIC;
REVOKE ALL ON TYPE credentials.twin FROM PUBLIC;
REVOKE ALL ON TYPE credentials.secret FROM PUBLIC;
REVOKE ALL ON TYPE credentials.job FROM PUBLIC;
REVOKE ALL ON TYPE credentials.event FROM PUBLIC;
