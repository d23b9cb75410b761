/* The least that a program can do to see the sockets: the kernel's dumps, each header looked at.
   Word: `all` for every socket in one walk, `queues` for both queues of the listeners. */

#include <string.h>
#include <sys/socket.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

static char room[65536];

/* Walks over the sockets in these states and looks at each header. */
static int dump(int fd, unsigned states, unsigned extensions)
{
    struct { struct nlmsghdr header; struct inet_diag_req body; } ask;
    memset(&ask, 0, sizeof ask);
    ask.header.nlmsg_len = sizeof ask;
    ask.header.nlmsg_type = TCPDIAG_GETSOCK;
    ask.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    ask.body.idiag_states = states;
    ask.body.idiag_ext = extensions;
    if (send(fd, &ask, sizeof ask, 0) < 0)
        return 2;
    for (;;) {
        int length = recv(fd, room, sizeof room, 0);
        if (length <= 0)
            return 2;
        for (struct nlmsghdr *m = (void *)room; NLMSG_OK(m, length); m = NLMSG_NEXT(m, length))
            if (m->nlmsg_type == NLMSG_DONE)
                return 0;
    }
}

int main(int count, char **words)
{
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
    if (count > 1 && !strcmp(words[1], "all"))
        return dump(fd, 0xfff, 0);
    unsigned drops = 1 << (INET_DIAG_SKMEMINFO - 1);
    return dump(fd, 1 << 10, drops) | dump(fd, 1 << 3, drops);
}
