"""Calls of posit-sdk against a running server. Prints a line a step; the last one sums up."""

import json
import os
import sys
import traceback

from posit.connect import Client

SERVER = os.environ["CONNECT_SERVER"]
KEY = os.environ["CONNECT_API_KEY"]
FACTS = json.loads(os.environ["KEYBEARER_FACTS"])

client = Client(url=SERVER, api_key=KEY)
passed, failed = [], []
kept = {}


def step(name):
    def run(work):
        try:
            kept[name] = work()
            passed.append(name)
            print(f"ok      {name}", flush=True)
        except Exception:  # every step is to be tried
            failed.append(name)
            last = traceback.format_exc().strip().splitlines()[-1]
            print(f"FAILED  {name}: {last}", flush=True)

    return run


def same(one, other):
    assert dict(one) == dict(other), f"{dict(one)} != {dict(other)}"


@step("version and me")
def _():
    assert client.version, "no version"
    assert client.me["username"]


@step("users: find, find_one, get, count")
def _():
    users = client.users.find()
    assert len(users) == client.users.count()
    one = client.users.find_one(prefix=client.me["username"])
    same(one, client.users.get(one["guid"]))


@step("groups: create, members, count, delete")
def _():
    group = client.groups.create(name="posit-sdk", unique_id=None)
    same(group, client.groups.get(group["guid"]))
    group.members.add(user_guid=FACTS["viewer"])
    assert group.members.count() == 1
    assert group.members.find()[0]["guid"] == FACTS["viewer"]
    group.members.delete(user_guid=FACTS["viewer"])
    assert client.groups.find_one(prefix="posit-sdk")["guid"] == group["guid"]
    group.delete()


@step("content: create, get, find, update, delete")
def _():
    content = client.content.create(name="posit-sdk-content")
    same(content, client.content.get(content["guid"]))
    content.update(title="From posit-sdk")
    assert client.content.get(content["guid"])["title"] == "From posit-sdk"
    assert content["guid"] in [each["guid"] for each in client.content.find()]
    content.delete()


@step("content: owner, environment variables, vanity, tags")
def _():
    content = client.content.create(name="posit-sdk-parts")
    assert content.owner["guid"] == client.me["guid"]
    content.environment_variables.update(REGION="eu")
    assert content.environment_variables.find() == ["REGION"]
    content.vanity = "/posit-sdk/"
    assert "/posit-sdk/" in [each["path"] for each in client.vanities.all()]
    del content.vanity
    category = client.tags.create(name="posit-sdk category")
    tag = client.tags.create(name="posit-sdk tag", parent=category)
    content.tags.add(tag)
    assert [each["id"] for each in content.tags.find()] == [tag["id"]]
    category.destroy()
    content.delete()


@step("permissions: create, find, get, update, destroy")
def _():
    content = client.content.create(name="posit-sdk-permissions")
    permission = content.permissions.create(principal_guid=FACTS["viewer"], principal_type="user", role="viewer")
    same(permission, content.permissions.get(permission["id"]))
    assert len(content.permissions.find()) == 1
    permission.update(role="viewer")
    content.permissions.destroy(FACTS["viewer"])
    assert content.permissions.count() == 0
    content.delete()


@step("bundles: create, deploy, task")
def _():
    content = client.content.create(name="posit-sdk-bundles")
    bundle = content.bundles.create(FACTS["bundle"])
    task = bundle.deploy()
    task.wait_for()
    assert client.content.get(content["guid"])["app_mode"] == "python-streamlit"
    content.delete()


@step("oauth.integrations: create, find, get, update, delete")
def _():
    config = {"client_id": "an id", "client_secret": "not-a-real-secret"}
    made = client.oauth.integrations.create(name="posit-sdk", description=None, template="github", config=config)
    same(made, client.oauth.integrations.get(made["guid"]))
    assert "client_secret" not in made["config"]
    changed = made.update(description="changed")
    assert changed["description"] == "changed"
    assert made["guid"] in [each["guid"] for each in client.oauth.integrations.find()]
    assert made.associations.find() == []
    made.delete()


@step("oauth.associations: update, find, delete")
def _():
    content = client.content.create(name="posit-sdk-associations")
    integration = FACTS["integration"]
    try:
        content.oauth.associations.update([integration])
    except TypeError:  # before there could be several
        content.oauth.associations.update(integration)
    assert [each["oauth_integration_guid"] for each in content.oauth.associations.find()] == [integration]
    content.oauth.associations.delete()
    assert content.oauth.associations.find() == []
    content.delete()


@step("oauth.get_credentials: a viewer's token")
def _():
    credentials = client.oauth.get_credentials(FACTS["user_session_token"])
    assert credentials["access_token"] and credentials["token_type"] == "Bearer"


@step("oauth.sessions: find")
def _():
    assert isinstance(client.oauth.sessions.find(), list)


@step("audit log")
def _():
    page = client.get("v1/audit_logs", params={"limit": 5}).json()
    assert len(page["results"]) == 5


print(f"{len(passed)} passed, {len(failed)} failed")
sys.exit(1 if failed else 0)
