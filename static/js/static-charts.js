// Pages whose figures do not change.

import { startFigures } from "./figure.js";

startFigures();
