/* What makes pages nicer; every page works without it. Delegated listeners only, so swapped-in parts need no set-up. */
"use strict";
(() => {
  const root = document.documentElement;
  const closest = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);
  root.classList.add("js");

  // Toasts: put into a region that is already there, so that screen readers announce them.
  const TOAST_MS = 7000;
  const dismissLater = (toast) => {
    if (toast.dataset.toast === "error") return;
    let timer = setTimeout(() => toast.remove(), TOAST_MS);
    const wait = () => clearTimeout(timer);
    const resume = () => { timer = setTimeout(() => toast.remove(), TOAST_MS); };
    toast.addEventListener("pointerenter", wait);
    toast.addEventListener("focusin", wait);
    toast.addEventListener("pointerleave", resume);
    toast.addEventListener("focusout", resume);
  };
  const toastRegion = () => document.querySelector("dialog[open] > .toasts") || document.getElementById("toasts");
  const showToast = (text, kind = "info") => {
    const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    toast.classList.replace("toast--info", `toast--${kind}`);
    toast.dataset.toast = kind;
    toast.querySelector(".toast__text").textContent = text;
    toastRegion().append(toast);
    dismissLater(toast);
  };
  const announceFlashed = () => {
    const region = document.getElementById("toasts");
    const flashed = [...region.children];
    region.replaceChildren();
    setTimeout(() => { region.append(...flashed); flashed.forEach(dismissLater); }, 100);
  };
  document.addEventListener("toast", (event) => showToast(event.detail.text, event.detail.kind));

  // Menus: one open at a time; Escape and a click elsewhere close; arrows walk.
  const openMenus = () => document.querySelectorAll("details[data-menu][open]");
  const menuItems = (menu) => [...menu.querySelectorAll(".menu__panel :is(a[href], button:not(:disabled))")];
  const closeMenu = (menu, focus = false) => {
    menu.open = false;
    if (focus) menu.querySelector("summary").focus();
  };
  const stepInMenu = (menu, step) => {
    const items = menuItems(menu);
    const at = items.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : items.length - 1) : (at + step + items.length) % items.length;
    if (items.length) items[next].focus();
  };
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!(menu instanceof Element) || !menu.matches("details[data-menu]")) return;
    menu.classList.remove("menu--up");
    if (!menu.open) return;
    openMenus().forEach((other) => { if (other !== menu) closeMenu(other); });
    const panel = menu.querySelector(".menu__panel").getBoundingClientRect();
    const above = menu.getBoundingClientRect().top;
    menu.classList.toggle("menu--up", !menu.matches(".topbar *") && panel.bottom > innerHeight && above > panel.height + 64);
  }, true);
  document.addEventListener("keydown", (event) => {
    const [menu] = openMenus();
    if (!menu) return;
    if (event.key === "Escape") closeMenu(menu, true);
    else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && menu.contains(document.activeElement)) {
      event.preventDefault();
      stepInMenu(menu, event.key === "ArrowDown" ? 1 : -1);
    }
  });
  const closeMenusAround = (event) => {
    openMenus().forEach((menu) => {
      const chosen = closest(event, ".menu__item, .nav__link");
      // Back to its button first: a dialog that opens next gives the focus back to where it was.
      if (!menu.contains(event.target) || chosen) closeMenu(menu, Boolean(chosen));
    });
  };

  // Dialogs. The page that a link leads to without script stays its address.
  const openDialog = (dialog) => { if (!dialog.open) dialog.showModal(); };
  const closeDialog = (dialog) => { if (dialog && dialog.open) dialog.close(); };
  document.addEventListener("close", (event) => {
    document.getElementById("toasts").append(...event.target.querySelectorAll(".toast"));
    if (event.target.id === "dialog") document.getElementById("dialog-body").replaceChildren();
  }, true);
  const onDialogClick = (event) => {
    const opener = closest(event, "[data-dialog-open]");
    const dialog = opener && document.getElementById(opener.dataset.dialogOpen);
    if (dialog) { event.preventDefault(); openDialog(dialog); }
    const closer = closest(event, "dialog [data-dialog-close]");
    if (closer) { event.preventDefault(); closeDialog(closer.closest("dialog")); }
    if (event.target instanceof HTMLDialogElement && isOutside(event.target, event)) closeDialog(event.target);
  };
  const isOutside = (dialog, event) => {
    const box = dialog.getBoundingClientRect();
    return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
  };

  // Copying. Without a clipboard (plain http) the text is selected, ready for the keyboard.
  const copyText = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    const label = button.querySelector("[data-copy-label]");
    const before = label.dataset.before || (label.dataset.before = label.textContent);
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(source.textContent);
      label.textContent = "Copied";
      setTimeout(() => { label.textContent = before; }, 2000);
    } else {
      getSelection().selectAllChildren(source);
      showToast("Selected. Press Ctrl+C to copy.");
    }
  };

  document.addEventListener("click", (event) => {
    onDialogClick(event);
    closeMenusAround(event);
    const copy = closest(event, "[data-copy]");
    if (copy) copyText(copy).catch(() => showToast("Copying was refused. Select the text instead.", "error"));
    if (closest(event, "[data-print]")) print();
    const toastClose = closest(event, "[data-toast-close]");
    if (toastClose) toastClose.closest(".toast").remove();
  });

  // A plain form is sent once: the second click finds its button busy. htmx forms have hx-sync instead.
  const isHtmxForm = (form) => ["hx-post", "hx-put", "hx-patch", "hx-delete", "hx-get"].some((name) => form.hasAttribute(name));
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-theme-form]")) applyTheme(form, event.submitter);
    if (event.defaultPrevented || isHtmxForm(form) || form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
    setTimeout(() => release(form), 15000);
  });
  const release = (form) => {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  };
  // The browser's back button shows the page as it was left.
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(release));

  // A setting's own save becomes the main button once there is something to save.
  for (const name of ["input", "reset"]) {
    document.addEventListener(name, (event) => {
      const form = closest(event, "form.card");
      if (form) form.toggleAttribute("data-changed", name === "input");
    });
  }

  // Appearance: at once here, kept by the server.
  const applyTheme = (form, button) => {
    if (!button || !button.value) return;
    root.dataset.theme = button.value;
    document.querySelector("meta[name=color-scheme]").content = button.value === "system" ? "light dark" : button.value;
    form.querySelectorAll("button[name=theme]").forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
  };

  // htmx: failures say so and put a control that saves itself back; what was typed elsewhere stays.
  const MESSAGES = {
    401: "You are signed out. Sign in again to go on.",
    403: "Your role does not allow this.",
    404: "This is no longer here. Load the page again.",
    429: "Too many tries. Wait a minute, then try again.",
    503: "This part is not answering right now. Try again in a minute.",
  };
  const putBack = (event) => {
    const form = closest(event, "form[data-autosave]");
    if (form) form.reset();
  };
  document.addEventListener("htmx:responseError", (event) => {
    if (isRefresh(event)) return;
    putBack(event);
    const { xhr } = event.detail;
    if ((xhr.getResponseHeader("HX-Trigger") || "").includes("toast")) return;
    showToast(MESSAGES[xhr.status] || "Something went wrong on our side. Look whether the change is there before you try again.", "error");
  });
  // A refusal that brings no new control (409 and 422 are no errors to htmx) puts the old one back.
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr } = event.detail;
    if (xhr && xhr.status >= 400 && xhr.getResponseHeader("HX-Reswap") === "none") putBack(event);
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => {
      if (isRefresh(event)) return;
      putBack(event);
      showToast("No answer came back. Check your connection and look whether the change is there.", "error");
    });
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.target.id === "dialog-body") openDialog(document.getElementById("dialog"));
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (!event.target.matches("[data-flash]")) return;
    event.target.classList.add("flash-swap");
    event.target.addEventListener("animationend", () => event.target.classList.remove("flash-swap"), { once: true });
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    const sender = requestConfig && requestConfig.elt;
    if (!sender || xhr.status >= 300 || requestConfig.verb === "get" || sender.closest("[data-keep-open]")) return;
    closeDialog(sender.closest("dialog"));
  });

  // What keeps itself fresh says hx-trigger="refresh from:body". Asked for only while somebody may be looking; nobody
  // has asked by hand, so a failure says nothing and the next try follows.
  const REFRESH_MS = 15000;
  const isRefresh = (event) => event.detail.requestConfig?.triggeringEvent?.type === "refresh";
  const refresh = () => {
    if (document.visibilityState === "visible") document.body.dispatchEvent(new CustomEvent("refresh"));
  };
  setInterval(refresh, REFRESH_MS);
  document.addEventListener("visibilitychange", refresh);
  addEventListener("focus", refresh);
  // The session has ended meanwhile: the page stays, since somebody may be writing in it.
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (isRefresh(event) && event.detail.xhr.getResponseHeader("HX-Redirect")) event.preventDefault();
  });

  announceFlashed();
})();
