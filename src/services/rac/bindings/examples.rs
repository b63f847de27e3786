//! Examples of commands; each runs in the sandbox.

/// By the names of their functions.
pub const EXAMPLES: &[(&str, &str)] = &[
    ("agent_version", "assert(rac::agent_version().starts_with(\"8.\"));"),
    (
        "agent_admin_register",
        "rac::agent_admin_register(\"keeper\", #{ pwd: \"secret\", descr: \"Дежурный\" });\n\
         let known = rac::agent_admin_list(#{ agent_user: \"keeper\", agent_pwd: \"secret\" });\n\
         assert_eq(known.column(\"name\"), [\"keeper\"]);",
    ),
    ("cluster_list", "assert_eq(rac::cluster_list().column(\"port\"), [1541]);"),
    ("cluster_info", "let name = rac::cluster_list()[0].name;\nassert_eq(rac::cluster_info(name).port, 1541);"),
    (
        "cluster_update",
        "rac::cluster_update(#{ lifetime_limit: 86400, kill_problem_processes: true });\n\
         assert_eq(rac::cluster_info().lifetime_limit, 86400);",
    ),
    ("server_list", "assert(rac::server_list().any(|server| server.agent_port == 1540));"),
    (
        "server_update",
        "let server = rac::server_list()[0];\nrac::server_update(server, #{ connections_limit: 128 });\n\
         assert_eq(rac::server_info(server).connections_limit, 128);",
    ),
    ("process_list", "assert(rac::process_list().all(|process| process.running));"),
    (
        "infobase_summary_list",
        "let bases = rac::infobase_summary_list();\nassert(bases.any(|base| base.name == \"erp_main\"));",
    ),
    ("infobase_info", "assert_eq(rac::infobase_info(\"erp_main\").dbms, \"PostgreSQL\");"),
    (
        "infobase_create",
        "let id = rac::infobase_create(#{\n    name: \"new\", dbms: \"PostgreSQL\", db_server: \"db1\", db_name: \"new\", \
         locale: \"ru_RU\", create_database: true,\n});\nassert_eq(rac::infobase_info(id).name, \"new\");",
    ),
    (
        "infobase_update",
        "rac::infobase_update(\"erp_main\", #{ sessions_deny: true, denied_message: \"Обновление\", \
         denied_to: time::now().add(#{ hours: 2 }) });\nassert(rac::infobase_info(\"erp_main\").sessions_deny);",
    ),
    (
        "connection_disconnect",
        "let found = rac::connection_list(#{ infobase: \"ЗУП\" });\nlet done = rac::connection_disconnect(found);\n\
         assert(done.all(|connection| connection.done));",
    ),
    (
        "session_list",
        "let sessions = rac::session_list(\"ЗУП\");\nassert(sessions.all(|session| session.started_at < time::now()));",
    ),
    (
        "session_terminate",
        "let idle = rac::session_list().filter(|session| session.app_id == \"1CV8C\");\n\
         let done = rac::session_terminate(idle, #{ error_message: \"Обновление\" });\n\
         assert(done.all(|session| session.done));",
    ),
    (
        "rule_insert",
        "let server = rac::server_list()[0];\n\
         let rule = rac::rule_insert(server, #{ position: 0, object_type: \"JobService\", rule_type: \"always\" });\n\
         assert_eq(rac::rule_info(rule, #{ server: server }).rule_type, \"always\");",
    ),
    (
        "counter_update",
        "rac::counter_update(#{\n    name: \"heavy\", collection_time: \"current-call\", group: \"users\", \
         filter_type: \"all\", memory: true,\n});\nassert_eq(rac::counter_info(\"heavy\").memory, \"analyze\");",
    ),
    (
        "limit_update",
        "rac::limit_update(#{ name: \"heavy\", action: \"interrupt-current-call\", memory: 1000000000 });\n\
         assert_eq(rac::limit_info(\"heavy\").memory, 1000000000);",
    ),
];
