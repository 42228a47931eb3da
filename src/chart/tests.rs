//! What every chart has to keep, whatever it is made of.


