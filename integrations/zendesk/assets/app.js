// Shows the portal's answer beside a ticket. Zendesk's proxy signs what is asked, with a secret that no browser sees.
"use strict";

const LIFE_SECONDS = 60;
const content = document.getElementById("content");
const client = ZAFClient.init();
let latest = 0;

async function ask() {
  const { settings } = await client.metadata();
  const ticket = await client.get(["ticket.id", "ticket.requester.email", "currentUser.name"]);
  return client.request({
    url: `${settings.portal_url.replace(/\/+$/, "")}/v1/help-desk/zendesk`,
    type: "POST",
    contentType: "application/json",
    data: "{}",
    dataType: "json",
    secure: true,
    cors: false,
    autoRetry: false, // a token opens one answer
    headers: { Authorization: "Bearer {{jwt.token}}" },
    jwt: {
      algorithm: "HS256",
      secret_key: "{{setting.shared_secret}}",
      expiry: LIFE_SECONDS,
      claims: {
        jti: crypto.randomUUID(),
        ticket_id: String(ticket["ticket.id"]),
        requester_email: ticket["ticket.requester.email"] || "",
        agent_name: ticket["currentUser.name"] || "",
      },
    },
  });
}

function reason(error) {
  if (error.status === 401) return "The portal does not accept this app's shared secret. Ask an administrator to enter it again.";
  if (error.status === 404) return "The portal is not connected to Zendesk, or its address is wrong.";
  if (error.status === 429) return "The portal was asked too often. Wait a minute and try again.";
  return "The portal does not answer right now. Try again.";
}

function say(message) {
  const paragraph = document.createElement("p");
  paragraph.className = "detail--bad";
  paragraph.textContent = message;
  content.replaceChildren(paragraph);
}

async function show() {
  const turn = ++latest; // the answer for a requester who was replaced meanwhile must not stay
  content.setAttribute("aria-busy", "true");
  try {
    const answer = await ask();
    if (turn === latest) content.innerHTML = answer.html; // the portal has escaped every value in it
  } catch (error) {
    if (turn === latest) say(reason(error));
  }
  if (turn !== latest) return;
  content.setAttribute("aria-busy", "false");
  client.invoke("resize", { width: "100%", height: `${document.documentElement.scrollHeight}px` });
}

document.getElementById("refresh").addEventListener("click", show);
client.on("ticket.requester.email.changed", show);
show();
