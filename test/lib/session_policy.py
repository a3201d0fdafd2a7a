"""Is what a token service is asked for no more than a table's files? The recorders of the tests ask this of every request.

The rule is written here for a second time, not taken from what makes the policies (src/vend/sts.c): a policy allows the listed actions on
objects below folders of a bucket, lists whose prefix reaches into these folders, and the key of the store; or it denies all.

SPDX-License-Identifier: PostgreSQL
"""
import json
import re

READ = {"s3:GetObject"}
WRITE = READ | {"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"}
KMS = {"kms:Decrypt", "kms:GenerateDataKey"}
POLICY_CHARS_MAX = 2048
LIFE_MAX_S = 43200
DENIAL = {"Effect": "Deny", "Action": ["*"], "Resource": "*"}

# A bucket and a folder in it, in which each star, question mark and dollar is one that stands for itself.
OBJECTS = re.compile(r"arn:[a-z0-9-]+:s3:::([a-z0-9][a-z0-9.-]+)/((?:[^*?$/]|\$\{[*?$]\})+(?:/(?:[^*?$/]|\$\{[*?$]\})+)*)/\*")
BUCKET = re.compile(r"arn:[a-z0-9-]+:s3:::([a-z0-9][a-z0-9.-]+)")


class Broader(Exception):
    """What is asked for reaches further than a table."""


def need(condition, words):
    if not condition:
        raise Broader(words)


def folders(policy):
    """The folders that a policy is for, as (bucket, key) with the escapes taken away; none for a denial. Broader where it allows more."""
    statements = policy["Statement"]
    need(policy["Version"] == "2012-10-17", "another version: escapes are not known there")
    if statements == [DENIAL]:
        return []
    found = []
    for resource in objects_of(statements[0]):
        match = OBJECTS.fullmatch(resource)
        need(match and not {".", ".."} & set(match[2].split("/")), "objects of " + resource)
        found.append((match[1], match[2]))
    listed = [folder for statement in statements[1:] for folder in further(statement)]
    need(sorted(listed) == sorted(found), "lists %s beside objects of %s" % (listed, found))
    return [(bucket, re.sub(r"\$\{(.)\}", r"\1", key)) for bucket, key in found]


def objects_of(statement):
    """The first statement: the objects."""
    need(set(statement) == {"Effect", "Action", "Resource"} and statement["Effect"] == "Allow", "its form: %s" % statement)
    need(set(statement["Action"]) in (READ, WRITE), "its actions: %s" % statement["Action"])
    need(isinstance(statement["Resource"], list) and statement["Resource"], "no resources")
    return statement["Resource"]


def further(statement):
    """Another one: a list, which gives its folders, or the key."""
    if statement["Action"] == ["s3:ListBucket"]:
        need(set(statement) == {"Effect", "Action", "Resource", "Condition"}, "its form: %s" % statement)
        bucket = BUCKET.fullmatch(statement["Resource"])
        need(bucket, "lists of " + statement["Resource"])
        need(set(statement["Condition"]) == {"StringLike"} and set(statement["Condition"]["StringLike"]) == {"s3:prefix"}, "its condition")
        prefixes = statement["Condition"]["StringLike"]["s3:prefix"]
        need(prefixes and all(p.endswith("/*") for p in prefixes), "prefixes %s" % prefixes)
        return [(bucket[1], prefix[:-2]) for prefix in prefixes]
    need(set(statement["Action"]) <= KMS and set(statement) == {"Effect", "Action", "Resource"}, "its actions: %s" % statement["Action"])
    need(re.fullmatch(r"arn:[a-z0-9-]+:kms:[a-z0-9-]+:\d+:key/[\w-]+", statement["Resource"]), "the key " + statement["Resource"])
    return []


def check_request(form, roots=()):
    """form: the fields of an AssumeRole request, a dict. roots: "bucket/key" of the profiles that it may be about; what is vended lies
    deeper than any. Gives the folders."""
    need(form.get("Action") == "AssumeRole", "another action: %s" % form.get("Action"))
    need("Policy" in form and not [n for n in form if n.startswith("PolicyArns")], "no policy of its own")
    need(len(form["Policy"]) <= POLICY_CHARS_MAX, "a policy of %d characters" % len(form["Policy"]))
    need(900 <= int(form.get("DurationSeconds", 0)) <= LIFE_MAX_S, "its life: %s" % form.get("DurationSeconds"))
    found = folders(json.loads(form["Policy"]))
    for bucket, key in found:
        need(not roots or any(("%s/%s" % (bucket, key)).startswith(root + "/") for root in roots), "outside of the roots: %s/%s" % (bucket, key))
    return found


# -- GCS ---------------------------------------------------------------------------------------------------------

BOUNDARY_RULES_MAX = 10
EXCHANGE = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token"}
TEXT = r"'((?:[^'\\]|\\.)+)/'"
CONDITION = re.compile(r"resource\.name\.startsWith\(" + TEXT + r"\) \|\| api\.getAttribute\('storage\.googleapis\.com/objectListPrefix', ''\)\.startsWith\("
                       + TEXT + r"\)")


def check_boundary(form):
    """form: the fields of an exchange of a token of Google's for a narrower one. Gives the folders."""
    need({name: form.get(name) for name in EXCHANGE} == EXCHANGE and form.get("subject_token"), "another exchange: %s" % sorted(form))
    boundary = json.loads(form["options"])
    need(set(boundary) == {"accessBoundary"} and set(boundary["accessBoundary"]) == {"accessBoundaryRules"}, "its form")
    rules = boundary["accessBoundary"]["accessBoundaryRules"]
    need(0 < len(rules) <= BOUNDARY_RULES_MAX, "%d rules" % len(rules))
    found = []
    for rule in rules:
        need(set(rule) == {"availableResource", "availablePermissions", "availabilityCondition"}, "the form of a rule")
        bucket = re.fullmatch(r"//storage\.googleapis\.com/projects/_/buckets/([a-z0-9][a-z0-9._-]+)", rule["availableResource"])
        need(bucket, "its bucket: " + rule["availableResource"])
        need(len(rule["availablePermissions"]) == 1 and rule["availablePermissions"][0] in ("inRole:roles/storage.objectViewer",
                                                                                           "inRole:roles/storage.objectUser"), "its role")
        need(set(rule["availabilityCondition"]) == {"expression"}, "its condition")
        match = CONDITION.fullmatch(rule["availabilityCondition"]["expression"])
        need(match, "its expression: " + rule["availabilityCondition"]["expression"])
        name, prefix = (re.sub(r"\\(.)", r"\1", text) for text in match.groups())
        need(name == "projects/_/buckets/%s/objects/%s" % (bucket[1], prefix), "objects and lists differ: %s, %s" % (name, prefix))
        found.append((bucket[1], prefix))
    return found
