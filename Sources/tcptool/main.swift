print("tcptool")
