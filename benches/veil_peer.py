"""What veil-api-client does of the same work; prints what it took as JSON. Arguments: the work, address, token."""

import asyncio
import json
import sys
import time

from veil_api_client import VeilClient, VeilRestPaginator


async def ids_off(veil):
    answer = await veil.domain(template=False).list(VeilRestPaginator(limit=10000), params={"power_state": "OFF"})
    return [row["id"] for row in answer.paginator_results]


async def until_finished(task, bound):
    """The way its users wait: each task is asked every second."""
    while True:
        async with bound:
            if await task.is_finished():
                return
        await asyncio.sleep(1)


async def start(veil):
    bound = asyncio.Semaphore(16)
    ids = await ids_off(veil)

    async def one(domain):
        async with bound:
            task = (await veil.domain(domain).start()).task
        await until_finished(task, bound)

    began = time.monotonic()
    await asyncio.gather(*map(one, ids))
    return {"seconds": time.monotonic() - began}


async def listed(veil):
    await veil.domain().list(paginator=VeilRestPaginator(limit=1))
    began = time.monotonic()
    answer = await veil.domain().list(paginator=VeilRestPaginator(limit=10000))
    return {"seconds": time.monotonic() - began, "found": len(answer.paginator_results)}


async def wait(veil):
    bound = asyncio.Semaphore(16)
    ids = await ids_off(veil)

    async def begun(domain):
        async with bound:
            return (await veil.domain(domain).start()).task

    tasks = await asyncio.gather(*map(begun, ids))
    began = time.monotonic()
    await asyncio.gather(*[until_finished(task, bound) for task in tasks])
    return {"seconds": time.monotonic() - began}


async def main():
    work, address, token = sys.argv[1:]
    async with VeilClient(address, token, ssl_enabled=False) as veil:
        done = await {"start": start, "list": listed, "wait": wait}[work](veil)
    with open("/proc/self/status", encoding="utf-8") as status:
        done["memory"] = next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
    print(json.dumps(done))


asyncio.run(main())
