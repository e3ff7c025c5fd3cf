// The list of runs.

import { startRunSelection } from "./run-selection.js";

startRunSelection(document.querySelector("[data-selection-bar]"));
