"""The three calls of the Python framework as its page prints them, against the simulated Orchestrator.

What was put right in the examples: commas between the entries of the dictionaries, without which no Python reads them. What
they do not define (the machine, the job) is given to them; the host is the simulator's.
"""

import contextlib
import io
import json
import urllib.request

from common import case

# The key of the third part of a job as the second example reads it.
SWITCHES = ["robot.task_key= Task ", "robot.jobs=0"]
HOST = "http://192.168.1.111:4500"

HEARTBEAT = """
import requests
import base64
import json

from requests.packages.urllib3.exceptions import InsecureRequestWarning
requests.packages.urllib3.disable_warnings(InsecureRequestWarning)
host = 'http://192.168.1.111:4500' #хост оркестратора
robot_guid = 'da8bc2f0-8065-4385-b867-405e66b8e151' #GUID робота
headers = {
    'Authorization': 'Basic ' + base64.b64encode(robot_guid.encode('utf-8')).decode('utf-8')
}
req = {
    'RobotGUID': robot_guid,   #GUID робота
    'Machine': robot_machine,   #Имя машины
    'IP': robot_ip,   #IP адрес робота
    'MAC': robot_mac,   #MAC адрес робота
    'Status': 2,   #статус робота
    'JobGUID': '',  #GUID работы
    'JobName': '',   #название выполняемого скрипта, т.е. python_script_name далее по тексту
    'JobType': 1   #тип работы, всегда значение 1
}
r = requests.post(host + '/api/robot/heartbeat', data=req, headers=headers, verify=False)
heartbeat_results = json.loads(r.text)
print(heartbeat_results ['HeartbeatErrorCode'])
print(heartbeat_results ['ErrorText'])
print(heartbeat_results ['HasNewJob'])
"""

CONSUME = """
import requests
import base64
import json

from requests.packages.urllib3.exceptions import InsecureRequestWarning
requests.packages.urllib3.disable_warnings(InsecureRequestWarning)

host = 'http://192.168.1.111:4500' #хост оркестратора
robot_guid = 'da8bc2f0-8065-4385-b867-405e66b8e151' #GUID робота

headers = {
    'Authorization': 'Basic ' + base64.b64encode(robot_guid.encode('utf-8')).decode('utf-8')
}

cnj = {
    'RobotGUID': robot_guid   #GUID робота
}

r = requests.post(host + '/api/robot/consumeNextJob', data=cnj, headers=headers, verify=False)
consume_result = json.loads(r.text)
print(consume_result['ConsumeJobErrorCode'])
print(consume_result['ErrorText'])
new_job = json.loads(consume_result['Job'])
job_guid = new_job['GUID']
process_version = json.loads(consume_result['ProcessVersion'])
python_script_name = process_version['Name']   #Условимся, что имя скрипта робота, который необходимо запустить, передаётся в названии версии процесса
task = json.loads(consume_result[' Task '])
"""

UPDATE = """
import requests
import base64
import json

from requests.packages.urllib3.exceptions import InsecureRequestWarning
requests.packages.urllib3.disable_warnings(InsecureRequestWarning)
host = 'http://192.168.1.111:4500' #хост оркестратора
robot_guid = 'da8bc2f0-8065-4385-b867-405e66b8e151' #GUID робота

headers = {
    'Authorization': 'Basic ' + base64.b64encode(robot_guid.encode('utf-8')).decode('utf-8')
}

job = {
    'guid': job_guid, #GUID текущей работы
    'status': 8  #новый статус работы
}

r = requests.put(host + '/api/job/update', data=job, headers=headers, verify=False)
print(r.text)
"""


def told(name, found, expected):
    case(f"the framework's examples: {name}", found, expected)


def look(address, what, body=None):
    body = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(f"{address}/_sandbox/{what}", body) as answer:
        return json.load(answer)


def ran(example, address, **given):
    """What an example printed, and the names that it left behind."""
    printed, names = io.StringIO(), dict(given)
    with contextlib.redirect_stdout(printed):
        exec(compile(example.replace(HOST, address), "example", "exec"), names)
    return printed.getvalue().splitlines(), names


def run(place):
    for scheme in ("http", "https"):
        # Their users switch the checks of certificates off.
        job(place["address"], place["address"].replace("http:", scheme + ":"))


def job(control, address):
    machine = {"robot_machine": "RPA-01", "robot_ip": "10.0.0.7", "robot_mac": "AA-BB-CC-DD-EE-FF"}
    printed, _ = ran(HEARTBEAT, address, **machine)
    told("a heartbeat without work", printed, ["0", "", "0"])
    parameters = {"file": "счёт.xml"}
    task = {"name": "inv-17", "parameters": parameters}
    guid = look(control, "job", {"version": "invoice_robot.py", "task": task})["guid"]
    printed, _ = ran(HEARTBEAT, address, **machine)
    told("a heartbeat with work", printed, ["0", "", "1"])
    printed, names = ran(CONSUME, address)
    told("a job is handed out", printed, ["0", ""])
    told("its GUID and the script", (names["job_guid"], names["python_script_name"]), (guid, "invoice_robot.py"))
    found = names["task"]
    told("its task", (found["name"], json.loads(found["parameters"])), ("inv-17", parameters))
    printed, _ = ran(UPDATE, address, job_guid=guid)
    told("it is in progress", printed, ["[]"])
    # The next step of the page: the same call with another status.
    printed, _ = ran(UPDATE.replace("'status': 8", "'status': 4"), address, job_guid=guid)
    told("it is done", printed, ["[]"])
    history = [step["to"] for step in look(control, f"job?guid={guid}")["history"]]
    told("its history", history[-2:], [8, 4])
    printed, _ = ran(HEARTBEAT, address, **machine)
    told("then there is no work", printed[-1], "0")
