//! The program against the simulated administration server.

use pult::sandbox::rac::{Knobs, RasServer};
use tokio::runtime::{Builder, Runtime};

use crate::program::{FAILED, Ran, pult, rac_in, run};

/// A server in this process, and the only cluster's id.
struct Here {
    server: RasServer,
    cluster: String,
    _runtime: Runtime,
}

impl Here {
    fn new(change: impl FnOnce(&mut Knobs)) -> Here {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut knobs = Knobs { starts_at: "2026-03-02T09:00:00".into(), ..Knobs::default() };
        change(&mut knobs);
        let server = runtime.block_on(RasServer::start(knobs)).unwrap();
        let mut here = Here { server, cluster: String::new(), _runtime: runtime };
        here.cluster = here.value("cluster list", "cluster");
        here
    }

    /// A command line, in which CL stands for the cluster, at this server.
    fn rac(&self, line: &str) -> Ran {
        self.rac_in(line, &[])
    }

    fn rac_in(&self, line: &str, env: &[(&str, &str)]) -> Ran {
        let line = line.replace("CL", &format!("--cluster={}", self.cluster));
        rac_in(&format!("{} {line}", self.server.address()), env)
    }

    /// What a command prints that succeeds.
    #[track_caller]
    fn printed(&self, line: &str) -> String {
        let ran = self.rac(line);
        assert_eq!((ran.err(), ran.code), ("", Some(0)), "{line}");
        ran.out().to_owned()
    }

    /// The first value of this key.
    #[track_caller]
    fn value(&self, line: &str, key: &str) -> String {
        let printed = self.printed(line);
        let found = printed.lines().filter_map(|line| line.split_once(" : ")).find(|(found, _)| found.trim() == key);
        found.unwrap_or_else(|| panic!("no {key} in {printed}")).1.to_owned()
    }

    #[track_caller]
    fn fails(&self, line: &str, said: &str) {
        let ran = self.rac(line);
        assert_eq!((ran.out(), ran.err(), ran.code), ("", said, FAILED), "{line}");
    }
}

#[test]
fn records_are_printed_as_the_utility_prints_them() {
    let here = Here::new(|knobs| knobs.infobases = 2);
    let cluster = format!(
        "\
cluster                       : {}
host                          : srv1
port                          : 1541
name                          : \"Локальный кластер\"
expiration-timeout            : 60
lifetime-limit                : 0
max-memory-size               : 0
max-memory-time-limit         : 0
security-level                : 0
session-fault-tolerance-level : 0
load-balancing-mode           : performance
errors-count-threshold        : 0
kill-problem-processes        : 1
kill-by-memory-with-dump      : 0

",
        here.cluster
    );
    assert_eq!(here.printed("cluster list"), cluster);
    assert_eq!(here.printed("cluster info CL"), cluster);
    let newest = here.rac_in("cluster info CL", &[("PULT_RAC_PROTOCOL", "16.0")]);
    assert!(newest.out().ends_with("restart-schedule                          : \n\n"), "{}", newest.out());
    // Quotes are by field; nothing is quoted to nothing.
    let base = here.value("infobase summary list CL", "infobase");
    let changed = here.printed("infobase summary update CL --name=Бухгалтерия --descr=a\"b");
    assert_eq!(changed, "");
    assert_eq!(
        here.printed("infobase summary info CL --name=бухгалтерия"),
        format!("infobase : {base}\nname     : Бухгалтерия\ndescr    : \"a\"\"b\"\n\n")
    );
    here.printed(&format!("infobase summary update CL --infobase={base} --descr="));
    assert!(
        here.printed("infobase summary list CL")
            .starts_with(&format!("infobase : {base}\nname     : Бухгалтерия\ndescr    : \n\ninfobase : "))
    );
}

#[test]
fn what_is_made_is_told_by_its_id_and_the_rest_is_silent() {
    let here = Here::new(|_| {});
    let server = here.value("server list CL", "server");
    let inserted = here.printed(&format!("rule insert CL --server={server} --position=0 --priority=5"));
    let rule = inserted.strip_prefix("rule : ").and_then(|rest| rest.strip_suffix('\n')).unwrap();
    assert_eq!(rule.len(), 36, "{inserted}");
    let of = format!("--server={server} --rule={rule}");
    assert_eq!(here.printed(&format!("rule update CL {of} --position=0 --rule-type=never")), "");
    assert_eq!(
        here.printed(&format!("rule info CL {of}")),
        format!(
            "\
rule            : {rule}
object-type     : 
infobase-name   : 
rule-type       : never
application-ext : 
priority        : 5

"
        )
    );
    assert_eq!(here.printed(&format!("rule remove CL {of}")), "");
    assert_eq!(here.printed(&format!("rule list CL --server={server}")), "");
    assert_eq!(here.printed("agent version"), "8.5.1.1150\n");
}

#[test]
fn entries_of_a_profiles_lists_come_and_go() {
    let here = Here::new(|_| {});
    here.printed("profile update CL --name=P --config=yes");
    let of = |rest: &str| here.printed(&format!("profile acl --name=P {rest} CL"));
    assert_eq!(of("directory update --alias=/in --physicalPath=/srv/in --allowedRead=yes --access=list"), "");
    assert_eq!(
        of("directory list"),
        "\
alias        : /in
descr        : 
physicalPath : /srv/in
allowedRead  : yes
allowedWrite : no

"
    );
    assert_eq!(of("inet update --name=site --url=example.org --protocol=https --port=8443 --access=full"), "");
    assert!(of("inet list").starts_with("name     : site\ndescr    : \nprotocol : https\n"));
    assert_eq!(of("inet remove --name=site --access=list"), "");
    assert_eq!(of("inet list"), "");
    assert_eq!(of("directory remove --alias=/in"), "");
    assert_eq!(of("directory list"), "");
}

#[test]
fn sessions_are_kept_out_and_let_in_again() {
    let here = Here::new(|_| {});
    let update = "infobase update CL --name=Бухгалтерия";
    here.printed(&format!("{update} --sessions-deny=on --denied-from=2026-03-02T00:00:00 --permission-code=0012"));
    let info = here.printed("infobase info CL --name=Бухгалтерия");
    let line = |key: &str, value: &str| format!("\n{key:42} : {value}\n");
    for shown in [
        line("sessions-deny", "on"),
        line("denied-from", "2026-03-02T00:00:00"),
        line("denied-to", ""),
        line("permission-code", "\"0012\""),
    ] {
        assert!(info.contains(&shown), "{shown} is not in {info}");
    }
    here.printed(&format!("{update} --sessions-deny=off --denied-from= --permission-code="));
    let info = here.printed("infobase info CL --name=Бухгалтерия");
    assert!(info.contains(&line("denied-from", "")) && info.contains(&line("permission-code", "")), "{info}");
    let base = here.value("infobase info CL --name=Бухгалтерия", "infobase");
    let sessions =
        |here: &Here| here.printed(&format!("session list CL --infobase={base}")).matches("session-id").count();
    let before = sessions(&here);
    let session = here.value(&format!("session list CL --infobase={base}"), "session");
    assert_eq!(here.printed(&format!("session terminate CL --session={session} --error-message=Пора")), "");
    assert_eq!(sessions(&here), before - 1);
}

#[test]
fn what_servers_refuse_comes_in_their_words() {
    let here = Here::new(|knobs| knobs.cluster_admin = "adm:k3epItSecret".into());
    let not_known = "Администратор кластера не аутентифицирован";
    for line in ["session list CL", "session list CL --cluster-user=adm --cluster-pwd=wr0ngWord"] {
        let ran = here.rac(line);
        assert_eq!((ran.out(), ran.code), ("", FAILED), "{line}");
        assert!(ran.err().ends_with(&format!("{not_known}\n")) && !ran.err().contains("wr0ngWord"), "{}", ran.err());
    }
    let adm = "CL --cluster-user=adm --cluster-pwd=k3epItSecret";
    let nobody = "11111111-1111-1111-1111-111111111111";
    here.fails(&format!("session info {adm} --session={nobody}"), "Сеанс с указанным идентификатором не найден\n");
    here.fails(&format!("cluster info --cluster={nobody}"), "Кластер с указанным идентификатором не найден\n");
    here.fails(&format!("infobase info {adm} --name=Нет"), "No infobase of this name was found\n");
    let ran = here.rac_in(&format!("infobase info {adm} --name=Нет"), &[("PULT_RAC_LANG", "ru")]);
    assert_eq!(ran.err(), "Информационная база с указанным идентификатором не найдена\n");
    // A transport error inside the cluster begins with a blank.
    let mut knobs = here.server.knobs();
    knobs.faults.exception.every = 1;
    here.server.set_knobs(knobs);
    assert!(here.rac("cluster list").err().starts_with(" server_addr=tcp://"));
}

#[test]
fn windows_reads_its_page_and_its_line_ends() {
    let here = Here::new(|knobs| knobs.infobases = 1);
    let env = [("PULT_RAC_ENCODING", "cp866"), ("PULT_RAC_NEWLINE", "crlf")];
    let base = here.value("infobase summary list CL", "infobase");
    here.printed(&format!("infobase summary update CL --infobase={base} --descr=Учёт"));
    let mut expected = format!("infobase : {base}\r\nname     : ").into_bytes();
    expected.extend(b"\x81\xe3\xe5\xa3\xa0\xab\xe2\xa5\xe0\xa8\xef\r\ndescr    : \"\x93\xe7\xf1\xe2\"\r\n\r\n");
    assert_eq!(here.rac_in("infobase summary list CL", &env).out, expected);
}

#[test]
fn one_process_makes_one_connection_and_asks_no_more_than_it_must() {
    let here = Here::new(|_| {});
    here.server.reset_counters();
    here.printed("cluster list");
    here.printed("session list CL");
    let counters = here.server.counters();
    assert_eq!((counters.connections, counters.endpoints_opened), (2, 2), "{counters:?}");
    // The list of clusters; the authentication, with empty texts as the utility sends it, and the list of sessions.
    assert_eq!((counters.all_messages(), counters.authentications), (3, 1), "{counters:?}");
}

#[test]
fn the_program_under_the_name_of_the_utility_asks_servers() {
    let here = Here::new(|_| {});
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(if cfg!(windows) { "rac.exe" } else { "rac" });
    if std::fs::hard_link(pult(), &copy).is_err() {
        std::fs::copy(pult(), &copy).unwrap();
    }
    let ran = run(&copy, &[&here.server.address(), "cluster", "list"], &[]);
    assert_eq!((ran.out(), ran.err(), ran.code), (here.printed("cluster list").as_str(), "", Some(0)));
}

#[test]
fn a_server_that_is_none() {
    let here = Here::new(|_| {});
    let mut knobs = here.server.knobs();
    knobs.faults.stranger = true;
    here.server.set_knobs(knobs);
    let ran = here.rac_in("cluster list", &[("PULT_RAC_LANG", "ru")]);
    assert_eq!((ran.out(), ran.code), ("", FAILED));
    assert!(ran.err().starts_with("Ошибка соединения с сервером\n"), "{}", ran.err());
}
