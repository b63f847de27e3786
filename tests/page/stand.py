"""A stand-in for `pult serve`: the page's own files and the JSON API over made-up runs, so that a test can bring about in
a moment what a real site shows once a year: a lost connection, a refusal of any kind, hundreds of steps, foreign text."""

import json
import mimetypes
import threading
import time
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = Path(__file__).resolve().parents[2] / "src" / "web" / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
TOKEN = "a-token-of-the-stand"
HCS = ["0c01", "0c05", "0c06", "0c08", "0c10", "0c20", "0c21", "0c23", "0t10", "1c10", "2c10"]
STEK = {"stek": "STEK", "stek_mo": "STEK, municipal", "stek_region": "STEK, region", "zagser": "STEK, Zagser"}
SHARED = ["building_characteristic", "building_parameter", "company", "entrance", "premise", "room"]
PLAIN = ["building_service", "meter", "meter_parameter", "personal_account", "personal_account_meter", "personal_account_parameter"]
DATED = ["meter_reading", "payment", "charge_calculation_detail", "charge_detail", "provided_service", "recalculation",
         "receipt_balance", "turnover_balance_sheet"]
HCS_ONLY = {"building_characteristic", "building_parameter", "building_service", "company", "charge_calculation_detail",
            "meter_parameter", "room", "receipt_balance"}
OVER = {"ok", "failed", "cancelled", "interrupted"}


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def names_of(code):
    if code == "all":
        return SHARED
    every = SHARED + PLAIN + DATED
    return every if code in HCS else [name for name in every if name not in HCS_ONLY] if code in STEK else None


def step(number, stage, entity, code, order, after):
    dated = entity in DATED
    if stage == "prep":
        text = f"EXECUTE dbo.sp_export_to_bill_ab_{entity} @CurDataAreaId = N'{code}'"
        text += f", @period_month = {order.get('month')}, @period_year = {order.get('year')}" if dated else ""
    elif stage == "crude":
        text = f"EXECUTE crude.sp_load_datasource_{entity}"
    else:
        text = f"EXECUTE heap.sp_load_to_heap_from_crude_{entity}"
    database = "hcs" if stage == "prep" and code not in STEK else code if stage == "prep" else "ab"
    lock = f"pult:sp:prep:{database}:{entity}" if stage == "prep" else f"pult:sp:{stage}:{entity}"
    return {"number": number, "stage": stage, "entity": entity, **({"code": code} if stage == "prep" else {}), "server": "dcdb",
            "database": database, "statement": text, "locks": [lock], "after": after, "repeatable": stage != "heap",
            "estimate": {"prep": 1.0, "crude": 8.0, "heap": 4.0}[stage], "state": "pending", "attempts": 0, "messages": []}


def plan(order):
    codes = order.get("codes") or [order["code"]]
    names = [order["name"]] if order.get("name") else [name for name in names_of(codes[0]) if not (order.get("undated_only") and name in DATED)]
    steps = []
    for name in names:
        preps = []
        for code in codes:
            steps.append(step(len(steps) + 1, "prep", name, code, order, []))
            preps.append(len(steps))
        for stage in ("crude", "heap"):
            steps.append(step(len(steps) + 1, stage, name, None, order, preps if stage == "crude" else [len(steps)]))
    return steps


class Stand:
    """What the service would know, and the switches a test turns."""

    def __init__(self):
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.runs = {}
        self.events = []  # (sequence, run id, event, value)
        self.seconds = 0.15  # a step takes
        self.fail = None  # {"stage", "text"}
        self.refuse = {}  # "POST /api/runs" → (status, body), once
        self.says = ["Rows exported: 1 204"]
        self.needs_token = False
        self.hold = set()  # stages that do not end by themselves
        self.listeners = 0  # open streams
        self.down = False  # the streams end, and nobody answers

    def tell(self, run, event, value):
        with self.lock:
            self.events.append((len(self.events) + 1, run, event, value))
            self.changed.notify_all()

    def short(self, run):
        counts = {}
        for one in run["steps"]:
            counts[one["state"]] = counts.get(one["state"], 0) + 1
        return {key: value for key, value in run.items() if key not in ("steps", "checks")} | {"progress": {"total": len(run["steps"]), **counts}}

    def state(self, run, state, reason=None):
        with self.lock:
            run["state"] = state
            if state in OVER:
                run["ended"] = now()
                run["seconds"] = (datetime.fromisoformat(run["ended"].replace("Z", "+00:00")) - datetime.fromisoformat(run["started"].replace("Z", "+00:00"))).total_seconds()
            run["reason"] = reason
            self.tell(run["id"], "run", {"event": "run", "run": run["id"], "state": state, "reason": reason, "seconds": run.get("seconds")})

    def step_state(self, run, one, **values):
        with self.lock:
            one.update(values)
            self.tell(run["id"], "step", {"event": "step", "run": run["id"], "step": json.loads(json.dumps(one))})

    def say(self, run, one, text):
        with self.lock:
            message = {"at": now(), "text": text}
            one["messages"].append(message)
            self.tell(run["id"], "message", {"event": "message", "run": run["id"], "step": one["number"], "message": message})

    def start(self, order, by="olga", drive=True):
        with self.lock:
            steps = plan(order)
            run = {"id": f"20261122T0945{len(self.runs):02}-{len(self.runs):04x}", "order": order if order.get("codes") else {**order, "codes": [order["code"]]}, "by": by,
                   "state": "running", "started": now(), "estimate": sum(one["estimate"] for one in steps), "steps": steps, "checks": [], "resumed": 0, "wanted": "go"}
            run["order"].pop("code", None)
            self.runs[run["id"]] = run
        if drive:
            threading.Thread(target=self.drive, args=(run,), daemon=True).start()
        return run

    def past(self, order, state, seconds, days):
        run = self.start(order, drive=False)
        began = datetime.now(timezone.utc) - timedelta(days=days)
        run.update(state=state, started=began.isoformat(timespec="milliseconds"), ended=(began + timedelta(seconds=seconds)).isoformat(timespec="milliseconds"), seconds=seconds)
        for one in run["steps"]:
            one.update(state="ok" if state == "ok" else "pending", seconds=seconds / len(run["steps"]))
        return run

    def drive(self, run):
        for one in run["steps"]:
            if one["state"] == "ok":
                continue
            began = time.monotonic()
            self.step_state(run, one, state="running", started=now(), attempts=one["attempts"] + 1)
            for text in self.says:
                self.say(run, one, text)
            while time.monotonic() - began < self.seconds or one["stage"] in self.hold:
                if run["wanted"] == "cancel":
                    self.step_state(run, one, state="cancelled", ended=now(), seconds=time.monotonic() - began)
                    return self.state(run, "cancelled", "Cancelled by olga.")
                time.sleep(0.01)
            if self.fail and self.fail["stage"] == one["stage"]:
                error = {"code": "sp.50000", "message": self.fail["text"], "hint": "Look at the procedure's messages.",
                         "server": {"number": 50000, "severity": 16, "state": 1, "message": self.fail["text"], "procedure": one["statement"].split()[1], "line": 12, "server": "DCDB"}}
                self.step_state(run, one, state="failed", ended=now(), seconds=time.monotonic() - began, error=error)
                for other in run["steps"]:
                    if other["state"] == "pending":
                        self.step_state(run, other, state="skipped", note=f"Step {one['number']} ({one['stage']}) failed.")
                return self.state(run, "failed", f"Step {one['number']} failed: {self.fail['text']}")
            self.step_state(run, one, state="ok", ended=now(), seconds=time.monotonic() - began, rows=1204, return_code=0)
        return self.state(run, "ok")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stand = None

    def log_message(self, *_):
        pass

    def answer(self, value, status=200):
        body = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, error, message, **more):
        self.answer({"error": error, "message": message, **more}, status)

    def is_known(self):
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def may_go_on(self, writes):
        if self.headers.get("Authorization") and not self.is_known():
            self.refuse(401, "auth.wrong", "The token is not known.")
        elif (writes or self.stand.needs_token) and not self.is_known():
            self.refuse(401, "auth.needed", "A token is needed.", hint="Sign in.")
        else:
            return True
        return False

    def do_GET(self):
        self.handle_call("GET", None)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.handle_call("POST", json.loads(body or b"{}"))

    def handle_call(self, method, body):
        stand = self.stand
        if stand.down:
            self.close_connection = True
            self.connection.close()
            return
        url = urlsplit(self.path)
        parts = [unquote(part) for part in url.path.strip("/").split("/")]
        asked = {key: values[0] for key, values in parse_qs(url.query).items()}
        if parts[0] != "api":
            return self.file(url.path)
        refusal = stand.refuse.pop(f"{method} {url.path}", None)
        if refusal:
            return self.answer(refusal[1], refusal[0])
        if not self.may_go_on(method == "POST" and parts[1] != "plan"):
            return None
        return self.api(method, parts[1:], asked, body)

    def api(self, method, parts, asked, body):
        stand = self.stand
        match (method, parts):
            case "GET", ["whoami"]:
                return self.answer({"user": "olga" if self.is_known() else None, "may_start": self.is_known()})
            case "GET", ["catalogue"]:
                return self.answer({"name": "billing-aggregate", "min_period": "2018-01", "max_period": datetime.now().strftime("%Y-%m")})
            case "GET", ["codes"] if self.headers["Accept-Language"].startswith("ru"):
                return self.answer([{"code": "0c06", "title": "Участок 6", "group": "hcs", "group_title": "ЖКХ", "virtual": False}])
            case "GET", ["codes"]:
                hcs = [{"code": "all", "title": "All HCS data areas", "group": "hcs", "virtual": True}] + [{"code": code, "title": code, "group": "hcs", "virtual": False} for code in HCS]
                return self.answer(hcs + [{"code": code, "title": title, "group": "stack", "virtual": False} for code, title in STEK.items()])
            case "GET", ["codes", code, "names"]:
                return self.answer([{"name": name, "title": name.replace("_", " "), "dated": name in DATED, "shared": name in SHARED} for name in names_of(code)])
            case "POST", ["plan"]:
                steps = plan(body)
                notes = ["Six entities are shared: one run serves every data area."] if not body.get("name") else []
                return self.answer({"steps": steps, "estimate": sum(one["estimate"] for one in steps), "notes": notes})
            case "POST", ["runs"]:
                return self.answer(stand.start(body), 202)
            case "GET", ["runs"]:
                runs = sorted(stand.runs.values(), key=lambda run: run["started"], reverse=True)
                for key, of in (("state", lambda run: run["state"]), ("name", lambda run: run["order"].get("name"))):
                    runs = [run for run in runs if key not in asked or of(run) == asked[key]]
                runs = [run for run in runs if "code" not in asked or asked["code"] in run["order"]["codes"]]
                if "before" in asked:
                    runs = runs[[run["id"] for run in runs].index(asked["before"]) + 1:]
                return self.answer({"runs": [stand.short(run) for run in runs[: int(asked.get("limit", 50))]]})
            case "GET", ["runs", run, "events"]:
                return self.stream(run)
            case "GET", ["runs", run] if run in stand.runs:
                return self.answer(stand.runs[run])
            case "POST", ["runs", run, "cancel"]:
                stand.runs[run]["wanted"] = "cancel"
                return self.answer({}, 202)
            case "POST", ["runs", run, "resume"]:
                return self.resume(stand.runs[run], body)
            case "GET", ["events"]:
                return self.stream(None)
            case "GET", ["status"]:
                return self.answer(self.status())
            case "GET", ["checks"]:
                return self.answer([{"check": "check_prep", "entity": asked["name"], "code": asked["code"], "before": None, "after": "2019-07-12T15:43:09.943"},
                                    {"check": "check_crude", "entity": asked["name"], "code": asked["code"], "before": None, "after": None, "warning": "No such column."}])
        return self.refuse(404, "not_found", f"There is no {self.path}.")

    def resume(self, run, body):
        unsure = [one for one in run["steps"] if one["state"] == "interrupted" and not one["repeatable"]]
        if unsure and not body.get("unknown"):
            return self.refuse(409, "sp.unknown_outcome", "Nobody knows whether the step has taken effect.")
        for one in run["steps"]:
            if one["state"] != "ok":
                one.update(state="ok" if one in unsure and body["unknown"] == "skip" else "pending")
                one.pop("error", None)
                one.pop("note", None)
        run.update(state="running", resumed=run["resumed"] + 1, wanted="go", reason=None)
        run.pop("seconds", None)
        run.pop("ended", None)
        threading.Thread(target=self.stand.drive, args=(run,), daemon=True).start()
        return self.answer(run, 202)

    def status(self):
        runs = [self.stand.short(run) for run in self.stand.runs.values() if run["state"] not in OVER]
        return {"running": bool(runs), "runs": runs}

    def put(self, sequence, event, value):
        self.wfile.write(f"id: s-{sequence}\nevent: {event}\ndata: {json.dumps(value, ensure_ascii=False)}\n\n".encode())
        self.wfile.flush()

    def stream(self, run):
        stand = self.stand
        if run is not None and run not in stand.runs:
            return self.refuse(404, "sp.no_run", f"There is no run {run}.")
        self.close_connection = True
        stand.listeners += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            with stand.lock:
                at = len(stand.events)
                given = self.headers.get("Last-Event-ID")
                if given:
                    at = int(given.split("-")[1])
                elif run is None:
                    self.put(at, "status", self.status())
                else:
                    self.put(at, "run", stand.runs[run])
            while not stand.down:
                with stand.lock:
                    idle = at >= len(stand.events) and not stand.changed.wait(0.2)
                    fresh = stand.events[at:]
                    ended = run is not None and stand.runs[run]["state"] in OVER
                if idle:  # also shows whether the other side is still there
                    self.wfile.write(b": still here\n\n")
                for sequence, whose, event, value in fresh:
                    at = sequence
                    if run in (None, whose):
                        self.put(sequence, event, value)
                if ended and not fresh:
                    self.put(at, "end", {})
                    break
        except OSError:
            pass
        stand.listeners -= 1
        return None

    def file(self, path):
        name = "index.html" if path == "/" else path.removeprefix("/assets/")
        file = PAGE / name
        if "/" in name or not file.is_file():
            return self.refuse(404, "not_found", f"There is no {path}.")
        body = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", mimetypes.guess_type(name)[0] + "; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)
        return None


def serve(port=0):
    """Starts it; gives (stand, address)."""
    stand = Stand()
    server = ThreadingHTTPServer(("127.0.0.1", port), type("Bound", (Handler,), {"stand": stand}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return stand, f"http://127.0.0.1:{server.server_address[1]}/"
