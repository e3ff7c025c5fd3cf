// The result of a ProxylessNAS search: its figures, and the slider over the search's moments.

import { startFigures } from "./figure.js";
import { startMoments } from "./moments.js";

const changeFigure = startFigures();
for (const element of document.querySelectorAll("[data-moments]")) startMoments(element, changeFigure);
