//! Calls that are written wrongly, and values that nobody expects.

use crate::program::{all_fail, eval, pult, run};

#[test]
fn calls_of_the_portal() {
    let list = "b24.get_all(\"crm.deal.list\", ";
    all_fail([
        (
            "unknown method",
            eval("b24.call(\"crm.deal.lst\")"),
            4,
            &["crm.deal.lst", "did you mean `crm.deal.list`"][..],
        ),
        ("method of nothing", eval("b24.call(\"\")"), 1, &["eval:1:", "method"]),
        ("method that is a path", eval("b24.call(\"../../profile\")"), 1, &["../../profile"]),
        ("method with an address", eval("b24.call(\"https://x.ru/rest/1/abcd/profile\")"), 1, &["method"]),
        (
            "misspelt function",
            eval("b24.get_al(\"crm.deal.list\")"),
            1,
            &["no method `get_al`", "did you mean `get_all`?"],
        ),
        (
            "misspelt option",
            eval("b24.get_by_id(\"crm.deal.get\", [7], #{}, #{erors: \"return\"})"),
            1,
            &["no option `erors`", "did you mean `errors`?", "eval:1:5"],
        ),
        (
            "misspelt word of an option",
            eval("b24.get_by_id(\"crm.deal.get\", [7], #{}, #{errors: \"retrun\"})"),
            1,
            &["`errors` cannot be \"retrun\"", "\"throw\", \"return\""],
        ),
        (
            "wrong type of an option",
            eval("b24.call(\"crm.deal.get\", #{ID: 7}, #{errors: 5})"),
            1,
            &["`errors`", "a text"],
        ),
        ("wrong type of a method", eval("b24.get_all(5)"), 1, &["argument 1 (`method`)", "a text is wanted"]),
        ("wrong number of arguments", eval("b24.get_all()"), 1, &["get_all"]),
        (
            "wrong type of select",
            eval(&format!("{list}#{{select: \"ID\"}})")),
            1,
            &["`select` is a text", "list of field names"],
        ),
        (
            "wrong type of filter",
            eval(&format!("{list}#{{filter: 5}})")),
            1,
            &["`filter` is a number", "map of conditions"],
        ),
        (
            "order that a map loses",
            eval(&format!("{list}#{{order: #{{A: \"ASC\", B: \"ASC\"}}}})")),
            1,
            &["`order`", "write order: [["],
        ),
        ("start of get_all", eval(&format!("{list}#{{start: 0}})")), 1, &["`start`", "leave `start` out"]),
        ("parameters that are a text", eval(&format!("{list}\"ID\")")), 1, &["not a map"]),
        ("a function among the parameters", eval("b24.call(\"crm.deal.get\", #{ID: |x| x})"), 1, &["function"]),
        ("not a number among the parameters", eval("b24.call(\"crm.deal.get\", #{ID: 0.0 / 0.0})"), 1, &["NaN"]),
        ("ids that are no list", eval("b24.get_by_id(\"crm.deal.get\", 7)"), 1, &["the ids are", "not a list"]),
        ("an id that is none", eval("b24.get_by_id(\"crm.deal.get\", [7, ()])"), 1, &["id number 1"]),
        (
            "an id that is not there",
            eval("b24.call(\"crm.deal.get\", #{ID: 999999999})"),
            4,
            &["crm.deal.get", "check the id"],
        ),
        ("an empty list of calls", eval("b24.call(\"crm.deal.update\", [])"), 1, &["empty"]),
        ("a batch without commands", eval("b24.call_batch(#{halt: 0})"), 1, &["`cmd` holds the commands"]),
        ("a misspelt key of a batch", eval("b24.call_batch(#{hlt: 0, cmd: #{}})"), 1, &["no `hlt` in a batch"]),
        ("a rate of nothing", eval("b24.slow(0, || 1)"), 1, &["slow: 0", "above zero"]),
        ("unknown connection", eval("b24.connect(\"mian\")"), 2, &["[b24.mian]", "eval:1:5"]),
        (
            "misspelt setting of connect",
            eval("b24.connect(#{webhok: \"x\"})"),
            2,
            &["`webhok`", "did you mean `webhook`?"],
        ),
        (
            "an unset variable in connect",
            eval("b24.connect(#{webhook: env(\"NO_SUCH_THING\")})"),
            2,
            &["`webhook`", "env("],
        ),
        (
            "connect with nothing",
            eval("b24.connect(#{})").env("X", ""),
            2,
            &["`webhook`: it is missing", "https://portal"],
        ),
    ]);
}

#[test]
fn huge_numbers() {
    all_fail([
        ("a sum that overflows", eval("9223372036854775807 + 1"), 1, &["overflow", "64 bits"][..]),
        ("a number that does not fit", eval("99999999999999999999"), 3, &["99999999999999999999"]),
        ("a wait without an end", eval("sleep(1e300)"), 1, &["is not a number of seconds"]),
        ("a wait into the past", eval("sleep(-1)"), 1, &["is not a number of seconds"]),
        ("a decimal that does not fit", eval("decimal(\"1e999\")"), 1, &["1e999"]),
        ("an exit code that does not fit", eval("exit(300)"), 1, &["300 is no exit code", "0 to 255"]),
        ("an exit code below zero", eval("exit(-1)"), 1, &["-1 is no exit code"]),
        (
            "a function that calls itself in parallel",
            eval("fn f(x) { parallel([1, 2], 2, |y| f(y)) }\nf(1)"),
            1,
            &["too deep"],
        ),
        ("too many at once", eval("parallel([1], 0, |x| x)"), 1, &["0 at once"]),
        ("a list of a billion of billions", eval("let a = []; a.pad(1000000000000000000, 0)"), 1, &["eval:1"]),
        ("a list that fits no memory", eval("let a = []; a.pad(1000000000000, 0)"), 1, &["eval:1"]),
        ("bytes that fit no memory", eval("blob(1000000000000000)"), 1, &["eval:1"]),
        ("a text that fits no memory", eval("let s = \"x\"; s.pad(1000000000000000, \"x\")"), 1, &["eval:1"]),
        (
            "operations without an end",
            pult(&["eval", "--max-operations", "1000", "loop {}"]),
            1,
            &["--max-operations", "eval:1"],
        ),
        (
            "a number of operations that is none",
            pult(&["eval", "--max-operations", "many", "1"]),
            2,
            &["--max-operations"],
        ),
    ]);
}

#[test]
fn exit_codes_are_kept() {
    for (code, expected) in [("exit()", 0), ("exit(3)", 3), ("exit(255)", 255), ("try { exit(7) } catch { }", 7)] {
        assert_eq!(eval(code).ended().code, Some(expected), "{code}");
    }
    assert_eq!(run("exit(5); print(1)").ended().code, Some(5));
}

#[test]
fn nothing_to_evaluate() {
    eval("").ended().works("eval of an empty text", "");
    eval("  // nothing").ended().works("eval of a comment", "");
    eval("()").ended().works("eval of ()", "");
    pult(&["eval", "--json", "()"]).ended().works("eval of () as JSON", "null");
    let nothing = pult(&["eval"]).ended();
    nothing.fails("eval without code", 2, &["<CODE>"]);
}

#[test]
fn the_command_line() {
    all_fail([
        ("unknown flag", pult(&["run", "--sandbx", "x.rhai"]), 2, &["--sandbx", "--sandbox"][..]),
        ("unknown command", pult(&["chekc", "x.rhai"]), 2, &["chekc", "check"]),
        ("run without a script", pult(&["run"]), 2, &["<SCRIPT>"]),
        ("check without a script", pult(&["check"]), 2, &["<SCRIPTS>"]),
        ("two forms", pult(&["eval", "--json", "--csv", "1"]), 2, &["--json", "--csv"]),
        ("quiet and verbose", pult(&["-q", "-v", "eval", "1"]), 2, &["--quiet", "--verbose"]),
        ("unknown colour", pult(&["--color", "red", "eval", "1"]), 2, &["red", "always"]),
        (
            "unknown switch of the sandbox",
            pult(&["sandbox", "--set", "b24.latency=1"]),
            2,
            &["b24.latency", "did you mean `latency_ms`?"],
        ),
        ("a switch without a value", pult(&["sandbox", "--set", "b24.latency_ms"]), 2, &["sets nothing"]),
        ("a switch of another type", pult(&["sandbox", "--set", "b24.latency_ms=long"]), 2, &["long", "--knobs"]),
        ("docs of nothing", pult(&["docs", "get_al"]), 2, &["get_al", "did you mean `get_all`?"]),
        (
            "init over a file",
            pult(&["init"]).file("pult.toml", "mine"),
            2,
            &["pult.toml is there already", "nothing was changed"],
        ),
        ("init into a file", pult(&["init", "x"]).file("x", ""), 1, &["x cannot be written"]),
    ]);
}
