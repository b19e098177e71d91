
"use strict";
(() => {
  const REFUSED = {
    "other-attempt": "This browser did not begin to sign in, or too long ago. Begin again.",
    "not-vouched": "Your company’s sign-in signed nobody in. Begin again.",
    "not-verified": "Your company’s sign-in has not verified your e-mail address. Ask its administrator.",
    "not-invited": "Nobody has invited your address. Ask an administrator of your company.",
    "unavailable": "Your company’s sign-in does not answer. Try again in a moment.",
  };
  const NEXT = {
    viewer: "See what came in, and what became of it: GET /v1/tenants/{tenant_id}/requests.",
    operator: "Decide what waits for a person, and let stopped work go on: /v1/tenants/{tenant_id}/work.",
    tenant_admin: "Set the company up: offices, sources, connections, recipients; and invite people: POST /v1/tenants/{tenant_id}/invitations.",
    platform_admin: "Create companies: POST /v1/tenants.",
  };
  const ROLES = Object.keys(NEXT);
  const of = (id) => document.getElementById(id);
  const say = (text) => { of("said").textContent = text; };
  let token = "";

  // What it signs in by goes to the server alone: not into the history, and to no page that is opened from here.
  const given = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);

  async function call(method, path, body) {
    const headers = body ? { "content-type": "application/json" } : {};
    if (token) headers.authorization = "Bearer " + token;
    const answer = await fetch(path, {
      method, headers, body: body && JSON.stringify(body), cache: "no-store", redirect: "error",
    });
    const content = await answer.json().catch(() => ({}));
    return { ok: answer.ok, status: answer.status, content };
  }

  const reason = (answer) => {
    const faults = (answer.content.errors || []).map((fault) => fault.message);
    return faults.join(" ") || answer.content.detail || "It failed with status " + answer.status + ". Try again.";
  };

  function outside(text) {
    token = "";
    say(text);
    of("title").textContent = "Sign in";
    of("inside").hidden = true;
    of("ways").hidden = false;
  }

  function row(cells) {
    const tr = document.createElement("tr");
    for (const cell of cells) {
      const td = document.createElement("td");
      const text = document.createElement("bdi");
      text.textContent = cell;
      td.append(text);
      tr.append(td);
    }
    return tr;
  }

  async function inside() {
    const answer = await call("GET", "/v1/me");
    if (!answer.ok) return outside(reason(answer));
    const me = answer.content;
    say("");
    of("title").textContent = "You are signed in";
    of("who").textContent = me.name || me.email || me.subject;
    of("tenants").replaceChildren(...me.tenants.map((tenant) => row([tenant.name, tenant.tenant_id, tenant.role || "none"])));
    const may = ROLES.slice(0, ROLES.indexOf(me.role) + 1).map((role) => NEXT[role]);
    of("next").replaceChildren(...may.map((text) => {
      const li = document.createElement("li");
      li.textContent = text;
      return li;
    }));
    const docs = document.createElement("li");
    const link = document.createElement("a");
    link.href = "/v1/docs";
    link.textContent = "Read everything that the API does.";
    docs.append(link);
    of("next").append(docs);
    const first = me.tenants[0];
    const path = first ? "/v1/tenants/" + first.tenant_id + "/requests" : "/v1/me";
    of("call").textContent = "curl -sS -H \"Authorization: Bearer $TOKEN\" " + location.origin + path;
    of("ways").hidden = true;
    of("inside").hidden = false;
  }

  async function begin() {
    const code = given.get("code");
    const refused = given.get("refused");
    if (refused) return outside(REFUSED[refused] || REFUSED["not-vouched"]);
    const answer = code
      ? await call("POST", "/v1/sign-in", { code })
      : await call("POST", "/v1/sign-in/refresh");
    if (answer.ok) {
      token = answer.content.token;
      return inside();
    }
    return outside(code || answer.status !== 401 ? reason(answer) : "");
  }

  const ask = of("ask");
  if (ask) ask.addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await call("POST", "/v1/sign-in/links", { email: of("email").value });
    say(reason(answer));
  });
  of("copy").addEventListener("click", async () => {
    const fresh = await call("POST", "/v1/sign-in/refresh");
    if (!fresh.ok) return outside(reason(fresh));
    token = fresh.content.token;
    try {
      await navigator.clipboard.writeText(token);
      say("The token is copied.");
    } catch {
      say("This browser does not let the page copy. Sign in by POST /v1/sign-in to get a token.");
    }
  });
  of("out").addEventListener("click", async () => {
    await call("DELETE", "/v1/sign-in");
    outside("You are signed out.");
  });
  begin().catch(() => outside("The server does not answer. Load this page again."));
})();
