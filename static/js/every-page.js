// What every page has: theme, menus, confirmations, copy buttons.

import { startConfirmations } from "./confirmations.js";
import { startCopyButtons } from "./copy-buttons.js";
import { startMenus } from "./menus.js";
import { startThemeChoice } from "./theme-choice.js";

startThemeChoice();
startMenus();
startConfirmations();
startCopyButtons();
