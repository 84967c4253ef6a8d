"""Forms (一张表) on the desk: the office that asks, who decides, the street that reviews, who fills."""
