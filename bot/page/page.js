// What a shop's own page may do with the chat: open it, and ask for the customer.

const chat = () => document.querySelector("truepenny-chat");

for (const button of document.querySelectorAll("[data-help]")) {
  button.addEventListener("click", () => chat()?.open());
}
for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", () => chat()?.ask(button.dataset.ask));
}
